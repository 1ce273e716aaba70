#include "base64.h"

#include <bit>
#include <cstdint>

namespace sapwood::serve {

static_assert(std::endian::native == std::endian::little,
              "numbers are written as they are in memory");

void append_base64(std::string& out, std::span<const float> numbers) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto bytes = std::as_bytes(numbers);
  const std::size_t begin = out.size();
  out.resize(begin + (bytes.size() + 2) / 3 * 4, '=');
  char* to = out.data() + begin;
  const auto byte = [&](std::size_t i) {
    return i < bytes.size() ? std::to_integer<std::uint32_t>(bytes[i]) : 0;
  };
  for (std::size_t i = 0; i < bytes.size(); i += 3, to += 4) {
    const std::uint32_t three = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    to[0] = kDigits[three >> 18];
    to[1] = kDigits[three >> 12 & 63];
    if (i + 1 < bytes.size()) to[2] = kDigits[three >> 6 & 63];
    if (i + 2 < bytes.size()) to[3] = kDigits[three & 63];
  }
}

}  // namespace sapwood::serve
