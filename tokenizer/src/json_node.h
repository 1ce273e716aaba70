// Reading a JSON document with errors that say where and what.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sapwood/error.h"

namespace sapwood {

using Json = nlohmann::ordered_json;

// A value of the document with its path, e.g. normalizer.normalizers[2].pattern.
class JsonNode {
 public:
  JsonNode(const Json& value, std::string path) : value_(&value), path_(std::move(path)) {}

  const Json& value() const noexcept { return *value_; }
  const std::string& path() const noexcept { return path_; }
  bool is_null() const noexcept { return value_->is_null(); }
  bool is_object() const noexcept { return value_->is_object(); }

  // A member that may be missing or null.
  bool has(const char* key) const {
    return value_->is_object() && value_->contains(key) && !(*value_)[key].is_null();
  }

  JsonNode at(const char* key) const {
    if (!value_->is_object()) fail("an object");
    const auto it = value_->find(key);
    if (it == value_->end()) {
      throw Error(ErrorCode::malformed, name() + " lacks the member \"" + key + "\"");
    }
    return JsonNode(*it, path_.empty() ? key : path_ + "." + key);
  }

  std::vector<JsonNode> items() const {
    if (!value_->is_array()) fail("a list");
    std::vector<JsonNode> nodes;
    for (std::size_t i = 0; i < value_->size(); ++i) {
      nodes.emplace_back((*value_)[i], path_ + "[" + std::to_string(i) + "]");
    }
    return nodes;
  }

  std::string string() const {
    if (!value_->is_string()) fail("a string");
    return value_->get<std::string>();
  }

  bool boolean() const {
    if (!value_->is_boolean()) fail("true or false");
    return value_->get<bool>();
  }

  bool boolean(const char* key, bool otherwise) const {
    return has(key) ? at(key).boolean() : otherwise;
  }

  int64_t integer(int64_t min, int64_t max) const {
    const bool fits = value_->is_number_integer() &&
                      !(value_->is_number_unsigned() && value_->get<uint64_t>() > INT64_MAX);
    if (!fits || value_->get<int64_t>() < min || value_->get<int64_t>() > max) {
      fail("a whole number from " + std::to_string(min) + " to " + std::to_string(max));
    }
    return value_->get<int64_t>();
  }

  [[noreturn]] void fail(const std::string& expected) const {
    std::string found = value_->dump(-1, ' ', false, Json::error_handler_t::replace);
    if (found.size() > 80) found = found.substr(0, 77) + "...";
    throw Error(ErrorCode::malformed, name() + ": expected " + expected + ", found " + found);
  }

  std::string name() const { return path_.empty() ? "tokenizer.json" : "tokenizer.json: " + path_; }

 private:
  const Json* value_;
  std::string path_;
};

// Error malformed naming `where` for text that is not JSON.
inline Json parse_json(std::string_view text, std::string_view where) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& e) {
    throw Error(ErrorCode::malformed, std::string(where) + " is not JSON: " + e.what());
  }
}

}  // namespace sapwood
