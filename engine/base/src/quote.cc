#include "base/quote.h"

#include "sapwood/utf8.h"

namespace sapwood {
namespace {

constexpr std::size_t kQuotedCharacters = 200;
constexpr std::string_view kCut = "...";

constexpr bool is_harmful(char32_t c) noexcept {
  const bool control = c < 0x20 || (c >= 0x7F && c < 0xA0);
  const bool separator = c == 0x2028 || c == 0x2029;
  const bool direction = c == 0x061C || c == 0x200E || c == 0x200F ||
                         (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
  return control || separator || direction || c == 0xFEFF;
}

void append_escaped(std::string& out, std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else {
      out += "\\x";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
}

}  // namespace

std::string printable(std::string_view text, std::size_t max_bytes, LineEnds line_ends) {
  std::string out;
  std::size_t cut = 0;  // the last place between characters that leaves room for kCut
  while (!text.empty()) {
    const std::size_t length = utf8::sequence_length(text);
    const std::string_view character = text.substr(0, length == 0 ? 1 : length);
    const bool kept_end = character == "\n" && line_ends == LineEnds::kept;
    if (!kept_end && (length == 0 || is_harmful(utf8::decode(character)))) {
      append_escaped(out, character);
    } else {
      out += character;
    }
    text.remove_prefix(character.size());
    if (out.size() > max_bytes) {
      out.resize(cut);
      return out.append(kCut);
    }
    if (out.size() + kCut.size() <= max_bytes) cut = out.size();
  }
  return out;
}

std::string quote(std::string_view text) {
  // Before anything is escaped, so that long text costs no more than short text.
  std::size_t end = 0;
  for (std::size_t i = 0; i < kQuotedCharacters && end < text.size(); ++i) {
    const std::size_t length = utf8::sequence_length(text.substr(end));
    end += length == 0 ? 1 : length;
  }
  constexpr std::size_t kMostBytesOfOne = 16;  // four bytes, each as \xNN
  std::string out = "'" + printable(text.substr(0, end), kQuotedCharacters * kMostBytesOfOne) + "'";
  if (end < text.size()) out += kCut;
  return out;
}

}  // namespace sapwood
