#include "text.h"

#include <algorithm>

namespace sapwood {

void Text::assign(std::string_view utf8, uint32_t at) {
  chars.clear();
  spans.clear();
  base = at;
  reserve(std::min(utf8.size(), kUsualElements));
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

}  // namespace sapwood
