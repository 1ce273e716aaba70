// JSON as the command line writes it: keys in the order given, numbers as the shortest text that
// reads back as the same float.
#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "sapwood/error.h"

namespace sapwood::cli {

// float as the number type makes nlohmann print 0.9987 for 0.9987f, not 0.9987000226974487.
using Json = nlohmann::basic_json<nlohmann::ordered_map, std::vector, std::string, bool,
                                  std::int64_t, std::uint64_t, float>;

// Bytes that are not UTF-8 (they can stand in an error message) become U+FFFD.
inline std::string dump(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

// The same number text for hot loops; JSON has no infinity or NaN, so those become null.
inline void append_number(std::string& out, float value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, end.ptr);
}

inline std::string number(float value) {
  std::string out;
  append_number(out, value);
  return out;
}

inline Json error_json(const Error& error) {
  return {{"error", {{"code", to_string(error.code())}, {"message", error.what()}}}};
}

}  // namespace sapwood::cli
