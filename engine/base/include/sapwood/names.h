// The names that the values of enumerations have for people: on the command line, in configurations
// and in interfaces for other languages. An enumeration that has names has them in one table, which
// the function names_of(E), declared beside it, gives.
#pragma once

#include <concepts>
#include <span>
#include <string_view>

#include "sapwood/export.h"

namespace sapwood {

struct NamedValue {
  std::string_view name;
  int value;
  template <class E>
  constexpr NamedValue(std::string_view name_, E value_)
      : name(name_), value(static_cast<int>(value_)) {}
};

struct EnumNames {
  std::string_view what;               // what is chosen, for messages: "pooling"
  std::span<const NamedValue> values;  // in the order in which they are shown
};

template <class E>
concept HasNames = requires(E value) {
  { names_of(value) } -> std::same_as<EnumNames>;
};

SAPWOOD_API std::string_view find_name(const EnumNames& names, int value) noexcept;
SAPWOOD_API int find_value(const EnumNames& names, std::string_view name);

template <HasNames E>
std::string_view to_string(E value) noexcept {
  return find_name(names_of(value), static_cast<int>(value));
}

// from_string<PoolingMode>("mean"). Throws Error invalid_argument, which lists the names there are,
// for any other name.
template <HasNames E>
E from_string(std::string_view name) {
  return static_cast<E>(find_value(names_of(E{}), name));
}

}  // namespace sapwood
