#include "tasks/lowercase.h"

#include <utf8proc.h>

#include "sapwood/utf8.h"

namespace sapwood::tasks {

std::string lowercase_key(std::string_view text) {
  constexpr utf8proc_int32_t kFinalSigma = 0x3C2, kSigma = 0x3C3;
  constexpr utf8proc_int32_t kCapitalDottedI = 0x130;
  std::string key;
  key.reserve(text.size());
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  auto left = static_cast<utf8proc_ssize_t>(text.size());
  while (left > 0) {
    utf8proc_int32_t c = 0;
    const utf8proc_ssize_t length = utf8proc_iterate(bytes, left, &c);
    if (length <= 0) break;  // not UTF-8: the caller has checked
    bytes += length;
    left -= length;
    if (c == kCapitalDottedI) {  // the one character whose lowercase is two
      key += "i\u0307";
      continue;
    }
    c = utf8proc_tolower(c);
    utf8::append(key, static_cast<char32_t>(c == kFinalSigma ? kSigma : c));
  }
  return key;
}

}  // namespace sapwood::tasks
