#include "sapwood/names.h"

#include <string>

#include "base/border.h"
#include "base/quote.h"
#include "sapwood/error.h"

namespace sapwood {

std::string_view find_name(const EnumNames& names, int value) noexcept {
  for (const NamedValue& named : names.values) {
    if (named.value == value) return named.name;
  }
  return "unknown";
}

int find_value(const EnumNames& names, std::string_view name) try {
  std::string known;
  for (const NamedValue& named : names.values) {
    if (named.name == name) return named.value;
    const bool last = &named == &names.values.back();
    known.append(known.empty() ? "" : last ? " or " : ", ").append(named.name);
  }
  throw Error(ErrorCode::invalid_argument,
              std::string(names.what) + ": expected " + known + ", found " + quote(name));
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
