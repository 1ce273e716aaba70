#include "printable.h"

#include <cstdint>
#include <cstdio>
#include <cstring>

#include "sapwood/tokenizer/utf8.h"

namespace sapwood::cli {
namespace {

// Bytes of the UTF-8 sequence at the start of `text`; 0: there is none.
std::size_t sequence_length(std::string_view text) noexcept {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  return length <= text.size() && utf8::is_valid(text.substr(0, length)) ? length : 0;
}

char32_t decode(std::string_view sequence) noexcept {
  const auto first = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) return first;
  char32_t scalar = first & (0x7FU >> sequence.size());
  for (const char byte : sequence.substr(1)) {
    scalar = (scalar << 6) | (static_cast<unsigned char>(byte) & 0x3FU);
  }
  return scalar;
}

// Controls of C0 and C1, and what ends a line or turns the direction of what follows.
bool steers(char32_t c) noexcept {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x061C || c == 0x200E || c == 0x200F ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

ShownCharacter show_character(std::string_view text) noexcept {
  ShownCharacter shown{};
  const std::size_t length = sequence_length(text);
  const auto escape = [&](const char* format, unsigned value) {
    shown.size = shown.width =
        static_cast<std::size_t>(std::snprintf(shown.bytes, sizeof shown.bytes, format, value));
  };
  shown.consumed = length == 0 ? 1 : length;
  if (length == 0) {
    escape("\\x%02x", static_cast<unsigned char>(text[0]));
    return shown;
  }
  const char32_t c = decode(text.substr(0, length));
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

std::string printable(std::string_view text, std::size_t most) {
  constexpr std::string_view kCut = "...";
  std::string out;
  std::size_t width = 0, fits = 0;  // fits: bytes of `out` that leave room for the mark of a cut
  while (!text.empty()) {
    const ShownCharacter shown = show_character(text);
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

}  // namespace sapwood::cli
