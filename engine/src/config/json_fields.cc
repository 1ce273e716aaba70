#include "config/json_fields.h"

#include <cmath>

namespace sapwood {

using nlohmann::json;

JsonFields::JsonFields(const json& object, std::string where)
    : object_(object), where_(std::move(where)) {
  if (!object_.is_object()) {
    throw Error(ErrorCode::malformed,
                where_ + ": expected a JSON object, found " + object_.type_name());
  }
}

void JsonFields::fail(ErrorCode code, std::string_view key, const std::string& problem) const {
  throw Error(code, where_ + ": " + std::string(key) + ": " + problem);
}

bool JsonFields::has(const char* key) const {
  const auto it = object_.find(key);
  return it != object_.end() && !it->is_null();
}

const json& JsonFields::at(const char* key) const {
  const auto it = object_.find(key);
  if (it == object_.end() || it->is_null()) fail(ErrorCode::malformed, key, "missing");
  return *it;
}

JsonFields JsonFields::object(const char* key) const {
  return JsonFields(at(key), where_ + ": " + key);
}

std::string JsonFields::text(const char* key) const {
  const json& value = at(key);
  if (!value.is_string()) {
    fail(ErrorCode::malformed, key, std::string("expected a string, found ") + value.type_name());
  }
  return value.get<std::string>();
}

std::string JsonFields::text(const char* key, std::string_view fallback) const {
  return has(key) ? text(key) : std::string(fallback);
}

int JsonFields::integer(const char* key, int low, int high) const {
  const json& value = at(key);
  // The text of the number rather than a conversion: 1e300 or -1 must not wrap into range.
  const bool in_range =
      value.is_number_unsigned()
          ? value.get<std::uint64_t>() <= static_cast<std::uint64_t>(high) &&
                (low <= 0 || value.get<std::uint64_t>() >= static_cast<std::uint64_t>(low))
          : value.is_number_integer() && value.get<std::int64_t>() >= low &&
                value.get<std::int64_t>() <= high;
  if (!in_range) {
    fail(ErrorCode::malformed, key,
         "expected a whole number from " + std::to_string(low) + " to " + std::to_string(high) +
             ", found " + value.dump());
  }
  return value.get<int>();
}

int JsonFields::integer(const char* key, int low, int high, int fallback) const {
  return has(key) ? integer(key, low, high) : fallback;
}

float JsonFields::epsilon(const char* key, float fallback) const {
  if (!has(key)) return fallback;
  const json& value = at(key);
  const double number = value.is_number() ? value.get<double>() : std::nan("");
  // A variance of exactly zero divides by sqrt(eps): zero, negative and NaN must not get through.
  if (!(number > 1e-30 && number < 1)) {
    fail(ErrorCode::malformed, key,
         "expected a number greater than 0 and less than 1, found " + value.dump());
  }
  return static_cast<float>(number);
}

bool JsonFields::boolean(const char* key, bool fallback) const {
  if (!has(key)) return fallback;
  const json& value = at(key);
  if (!value.is_boolean()) {
    fail(ErrorCode::malformed, key, std::string("expected true or false, found ") + value.dump());
  }
  return value.get<bool>();
}

json parse_json(std::string_view text, const std::string& where) {
  // Configurations are shallow; the limit keeps a hostile file from deep recursion on destruction.
  const auto limit_depth = [&](int depth, json::parse_event_t, json&) {
    if (depth > 64) {
      throw Error(ErrorCode::malformed, where + ": JSON nested deeper than 64 levels");
    }
    return true;
  };
  try {
    return json::parse(text, limit_depth);
  } catch (const json::exception& e) {
    throw Error(ErrorCode::malformed, where + ": not valid JSON: " + e.what());
  }
}

}  // namespace sapwood
