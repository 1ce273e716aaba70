#include "text.h"

#include <algorithm>

namespace sapwood {

void Text::assign(std::string_view utf8, uint32_t at) {
  chars.clear();
  spans.clear();
  base = at;
  const auto* p = reinterpret_cast<const unsigned char*>(utf8.data());
  const auto* end = p + utf8.size();
  while (p < end) {
    char32_t c = *p;
    if (c < 0x80) {
      p += 1;
    } else if (c < 0xE0) {
      c = (c & 0x1F) << 6 | (p[1] & 0x3F);
      p += 2;
    } else if (c < 0xF0) {
      c = (c & 0x0F) << 12 | (p[1] & 0x3F) << 6 | (p[2] & 0x3F);
      p += 3;
    } else {
      c = (c & 0x07) << 18 | (p[1] & 0x3F) << 12 | (p[2] & 0x3F) << 6 | (p[3] & 0x3F);
      p += 4;
    }
    push(c, {at, at + 1});
    ++at;
  }
}

std::string quoted_text(std::string_view text) {
  constexpr std::size_t kShown = 120;
  constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  std::size_t end = std::min(text.size(), kShown);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
    --end;
  }
  for (std::size_t i = 0; i < end; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F are control characters too, in two bytes of which the second is told by the
    // first.
    const bool c1 = byte == 0xC2 && i + 1 < end && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (byte >= 0x20 && byte != 0x7F && !c1) {
      out += text[i];
    } else {
      (out += "\\x") += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out += end < text.size() ? "\"..." : "\"";
}

}  // namespace sapwood
