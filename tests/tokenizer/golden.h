// What the golden tests share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <istream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "sapwood/utf8.h"

namespace sapwood::test {

inline std::string golden(const std::string& name) {
  return SAPWOOD_SOURCE_DIR "/tests/tokenizer/golden/" + name;
}

// CRC-32 as zlib.crc32 has it.
class Crc32 {
 public:
  void add(std::string_view bytes) {
    for (char b : bytes)
      state_ = table()[(state_ ^ static_cast<unsigned char>(b)) & 0xff] ^ state_ >> 8;
  }
  std::string hex() const {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (int shift = 28; shift >= 0; shift -= 4)
      out += kDigits[(state_ ^ 0xffffffffu) >> shift & 15];
    return out;
  }

 private:
  static const std::vector<uint32_t>& table() {
    static const std::vector<uint32_t> table = [] {
      std::vector<uint32_t> t(256);
      for (uint32_t i = 0; i < 256; ++i) {
        uint32_t c = i;
        for (int k = 0; k < 8; ++k) c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
        t[i] = c;
      }
      return t;
    }();
    return table;
  }
  uint32_t state_ = 0xffffffffu;
};

// The lines of compare_tokenizers.scalar_lines(32): all scalar values alone, then between letters.
template <typename Call>
void for_scalar_lines(Call call) {
  std::vector<char32_t> all;
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c < 0xD800 || c >= 0xE000) all.push_back(c);
  }
  for (std::size_t first = 0; first < all.size(); first += 32) {
    std::string alone, between;
    for (std::size_t i = first; i < first + 32 && i < all.size(); ++i) {
      if (i > first) {
        alone += ' ';
        between += ' ';
      }
      utf8::append(alone, all[i]);
      between += 'a';
      utf8::append(between, all[i]);
      between += 'b';
    }
    call(alone);
    call(between);
  }
}

// The lines of a text as Python's read_text().split("\n") gives them: line ends of any kind are
// one.
template <typename Call>
void for_lines(std::istream& in, Call call) {
  const std::string bytes(std::istreambuf_iterator<char>(in), {});
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != '\r') {
      text += bytes[i];
    } else if (i + 1 == bytes.size() || bytes[i + 1] != '\n') {
      text += '\n';
    }
  }
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    call(std::string_view(text).substr(at, end - at));
    at = end + 1;
  }
}

}  // namespace sapwood::test
