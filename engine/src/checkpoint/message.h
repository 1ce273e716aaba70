// Parts of error messages.
#pragma once

#include <string>
#include <string_view>

namespace sapwood {

// 'text' for a message: bytes of a hostile file cannot break a terminal or a JSON report, because
// everything but printable ASCII is shown as \xNN, and only the first bytes of long text are shown.
inline std::string quote(std::string_view text) {
  constexpr std::size_t kShown = 120;
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "'";
  for (const char c : text.substr(0, kShown)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      out += c;
    } else {
      out += "\\x";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  out += text.size() > kShown ? "'..." : "'";
  return out;
}

}  // namespace sapwood
