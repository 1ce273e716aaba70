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

void to_utf8(const Text& text, Range range, std::string& bytes, std::vector<uint32_t>& char_at) {
  // Sized once and then filled: most words are so short that growing them takes longer.
  std::size_t size = 0;
  for (std::size_t i = range.begin; i < range.end; ++i) {
    const char32_t c = text.chars[i];
    size += std::size_t{1} + (c >= 0x80) + (c >= 0x800) + (c >= 0x10000);
  }
  bytes.resize(size);
  char_at.resize(size);
  char* byte = bytes.data();
  uint32_t* at = char_at.data();
  for (std::size_t i = range.begin; i < range.end; ++i) {
    const char32_t c = text.chars[i];
    const auto put = [&](char32_t bits) {
      *byte++ = static_cast<char>(bits);
      *at++ = static_cast<uint32_t>(i - range.begin);
    };
    const auto put_rest = [&](int shift) { put(0x80 | (c >> shift & 0x3F)); };
    if (c < 0x80) {
      put(c);
      continue;
    }
    if (c < 0x800) {
      put(0xC0 | c >> 6);
    } else if (c < 0x10000) {
      put(0xE0 | c >> 12);
      put_rest(6);
    } else {
      put(0xF0 | c >> 18);
      put_rest(12);
      put_rest(6);
    }
    put_rest(0);
  }
}

}  // namespace sapwood
