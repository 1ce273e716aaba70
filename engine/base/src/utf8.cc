#include "sapwood/utf8.h"

#include <cstring>

#include "base/border.h"
#include "base/valid_utf8.h"
#include "sapwood/error.h"

namespace sapwood::utf8 {
namespace {

// Length of the valid sequence that starts at p, or 0. Table 3-7 of the Unicode standard.
std::size_t sequence_length(const unsigned char* p, std::size_t left) noexcept {
  auto continuation = [&](std::size_t i) { return i < left && (p[i] & 0xC0) == 0x80; };
  const unsigned char lead = p[0];
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return continuation(1) ? 2 : 0;
  if (lead < 0xF0) {
    if (!continuation(1) || !continuation(2)) return 0;
    if (lead == 0xE0 && p[1] < 0xA0) return 0;   // overlong
    if (lead == 0xED && p[1] >= 0xA0) return 0;  // surrogate
    return 3;
  }
  if (lead > 0xF4 || !continuation(1) || !continuation(2) || !continuation(3)) return 0;
  if (lead == 0xF0 && p[1] < 0x90) return 0;   // overlong
  if (lead == 0xF4 && p[1] >= 0x90) return 0;  // above U+10FFFF
  return 4;
}

}  // namespace

std::size_t find_invalid(std::string_view text) noexcept {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const std::size_t size = text.size();
  constexpr std::size_t kLong = 256;  // less is faster without the library
  if (size >= kLong && valid_utf8(text)) return kValid;
  std::size_t i = 0;
  while (i < size) {
    uint64_t word;
    if (size - i >= sizeof word) {
      std::memcpy(&word, p + i, sizeof word);
      if ((word & 0x8080808080808080u) == 0) {
        i += sizeof word;
        continue;
      }
    }
    const std::size_t length = sequence_length(p + i, size - i);
    if (length == 0) return i;
    i += length;
  }
  return kValid;
}

void require_valid(std::string_view text, std::string_view what) try {
  const std::size_t at = find_invalid(text);
  if (at == kValid) return;
  static constexpr char kHex[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(text[at]);
  throw Error(ErrorCode::invalid_utf8,
              std::string(what) + " is not UTF-8: byte 0x" + kHex[byte >> 4] + kHex[byte & 15] +
                  " at offset " + std::to_string(at) +
                  " does not begin a valid sequence; convert the text to UTF-8 first");
} catch (...) {
  throw_as_error();
}

std::size_t sequence_length(std::string_view text) noexcept {
  return text.empty()
             ? 0
             : sequence_length(reinterpret_cast<const unsigned char*>(text.data()), text.size());
}

char32_t decode(std::string_view text) noexcept {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  if (p[0] < 0x80) return p[0];
  if (p[0] < 0xE0) return static_cast<char32_t>((p[0] & 0x1F) << 6 | (p[1] & 0x3F));
  if (p[0] < 0xF0) {
    return static_cast<char32_t>((p[0] & 0x0F) << 12 | (p[1] & 0x3F) << 6 | (p[2] & 0x3F));
  }
  return static_cast<char32_t>((p[0] & 0x07) << 18 | (p[1] & 0x3F) << 12 | (p[2] & 0x3F) << 6 |
                               (p[3] & 0x3F));
}

std::size_t count(std::string_view text) noexcept {
  std::size_t n = 0;
  for (char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

std::size_t byte_offset(std::string_view text, std::size_t code_point) noexcept {
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) continue;
    if (code_point == 0) break;
    --code_point;
  }
  return i;
}

std::string_view slice(std::string_view text, std::size_t start, std::size_t end) noexcept {
  if (end <= start) return {};
  const std::size_t first = byte_offset(text, start);
  std::string_view tail = text.substr(first);
  return tail.substr(0, byte_offset(tail, end - start));
}

void append(std::string& out, char32_t c) try {
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xC0 | c >> 6));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | c >> 12));
    out.push_back(static_cast<char>(0x80 | (c >> 6 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | c >> 18));
    out.push_back(static_cast<char>(0x80 | (c >> 12 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c >> 6 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  }
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood::utf8
