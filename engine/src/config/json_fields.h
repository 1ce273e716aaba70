// Reading config.json with errors that name the file and the field.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "sapwood/error.h"

namespace sapwood {

// A JSON object and the name users know it by, e.g. "config.json" or "config.json: arch".
class JsonFields {
 public:
  JsonFields(const nlohmann::json& object, std::string where);

  bool has(const char* key) const;  // present and not null
  JsonFields object(const char* key) const;
  std::string text(const char* key) const;
  std::string text(const char* key, std::string_view fallback) const;
  // A whole number in [low, high].
  int integer(const char* key, int low, int high) const;
  int integer(const char* key, int low, int high, int fallback) const;
  // A finite number in (0, 1).
  float epsilon(const char* key, float fallback) const;
  bool boolean(const char* key, bool fallback) const;

  const nlohmann::json& raw() const { return object_; }
  const std::string& where() const { return where_; }
  [[noreturn]] void fail(ErrorCode code, std::string_view key, const std::string& problem) const;

 private:
  const nlohmann::json& at(const char* key) const;

  const nlohmann::json& object_;
  std::string where_;
};

// Parses JSON text; throws Error malformed that names `where` and the byte.
nlohmann::json parse_json(std::string_view text, const std::string& where);

}  // namespace sapwood
