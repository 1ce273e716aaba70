#include "base/quote.h"

#include <cstdio>
#include <cstring>

#include "sapwood/utf8.h"

namespace sapwood {
namespace {

// Controls of C0 and C1, and what ends a line or turns the direction of what follows.
bool steers(char32_t c) noexcept {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x061C || c == 0x200E || c == 0x200F ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

ShownCharacter show_character(std::string_view text) noexcept {
  ShownCharacter shown{};
  const std::size_t length = utf8::sequence_length(text);
  const auto escape = [&](const char* format, unsigned value) {
    shown.size = shown.width =
        static_cast<std::size_t>(std::snprintf(shown.bytes, sizeof shown.bytes, format, value));
  };
  shown.consumed = length == 0 ? 1 : length;
  if (length == 0) {
    escape("\\x%02x", static_cast<unsigned char>(text[0]));
    return shown;
  }
  const char32_t c = utf8::decode(text);
  if (!steers(c)) {
    shown.size = length;
    shown.width = 1;
    std::memcpy(shown.bytes, text.data(), length);
  } else if (c == '\n' || c == '\t') {
    escape("\\%c", c == '\n' ? 'n' : 't');
  } else {
    escape(c < 0x100 ? "\\x%02x" : "\\u%04x", static_cast<unsigned>(c));
  }
  return shown;
}

std::string printable(std::string_view text, std::size_t most, LineEnds line_ends) {
  constexpr std::string_view kCut = "...";
  std::string out;
  std::size_t width = 0, fits = 0;  // fits: bytes of `out` that leave room for the mark of a cut
  while (!text.empty()) {
    ShownCharacter shown = show_character(text);
    if (text[0] == '\n' && line_ends == LineEnds::kept) {
      shown.bytes[0] = '\n';
      shown.size = shown.width = 1;
    }
    if (width + shown.width > most) {
      out.resize(fits);
      out += kCut;
      return out;
    }
    out.append(shown.bytes, shown.size);
    width += shown.width;
    if (width + kCut.size() <= most) fits = out.size();
    text.remove_prefix(shown.consumed);
  }
  return out;
}

std::string quote(std::string_view text) { return "'" + printable(text) + "'"; }

}  // namespace sapwood
