// What a value of a document is, and where it stands.
#include "base/json.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/quote.h"

namespace sapwood {
namespace {

// A key as a path shows it: in quotes where it is no plain word, such as a tensor's name.
std::string shown_key(std::string_view key) {
  const bool plain =
      !key.empty() && key.size() <= 100 && std::all_of(key.begin(), key.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
      });
  return plain ? std::string(key) : quote(key);
}

// Up to 18 digits at once, which is nearly always; std::from_chars reads the others.
bool read_digits(std::string_view text, std::int64_t& value) noexcept {
  constexpr std::size_t kNoOverflow = 18;
  const bool negative = text.starts_with('-');
  const std::string_view digits = text.substr(negative ? 1 : 0);
  if (digits.size() > kNoOverflow) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size();
  }
  value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return false;  // a fraction or an exponent
    value = value * 10 + (c - '0');
  }
  if (negative) value = -value;
  return true;
}

}  // namespace

const char* JsonValue::type_name() const noexcept {
  switch (type()) {
    case Type::null:
      return "null";
    case Type::boolean:
      return "a boolean";
    case Type::number:
      return "a number";
    case Type::string:
      return "a string";
    case Type::array:
      return "a list";
    case Type::object:
      return "an object";
  }
  return "nothing";
}

JsonValue::Range JsonValue::children() const noexcept {
  const bool any = is_array() || is_object();
  return {{*document_, any ? index_ + 1 : node().next}, {*document_, node().next}};
}

JsonValue::Range JsonValue::elements() const {
  if (!is_array()) expected("a list");
  return children();
}

JsonValue::Range JsonValue::members() const {
  if (!is_object()) expected("an object");
  return children();
}

std::vector<JsonValue> JsonValue::items() const {
  std::vector<JsonValue> items;
  for (const JsonValue element : elements()) items.push_back(element);
  return items;
}

std::size_t JsonValue::size() const noexcept {
  std::size_t count = 0;
  for ([[maybe_unused]] const JsonValue child : children()) ++count;
  return count;
}

std::string_view JsonValue::key() const noexcept {
  const JsonDocument::Node& n = node();
  return {document_->bytes(n.key_escaped) + n.key, n.key_size};
}

std::optional<JsonValue> JsonValue::find(std::string_view key) const noexcept {
  std::optional<JsonValue> found;
  if (!is_object()) return found;
  for (const JsonValue member : children()) {
    if (member.key() == key) found = member;
  }
  return found;
}

bool JsonValue::has(std::string_view key) const noexcept {
  const auto found = find(key);
  return found && !found->is_null();
}

JsonValue JsonValue::at(std::string_view key) const {
  if (!is_object()) expected("an object");
  if (const auto found = find(key)) return *found;
  fail("lacks the member " + quote(key));
}

JsonValue JsonValue::there(std::string_view key) const {
  const JsonValue value = at(key);
  if (value.is_null()) value.expected("a value");
  return value;
}

JsonValue JsonValue::object(std::string_view key) const {
  const JsonValue value = there(key);
  if (!value.is_object()) value.expected("an object");
  return value;
}

std::string_view JsonValue::string() const {
  if (!is_string()) expected("a string");
  return text();
}

bool JsonValue::boolean() const {
  if (!is_boolean()) expected("true or false");
  return node().truth;
}

std::int64_t JsonValue::integer(std::int64_t low, std::int64_t high) const {
  std::int64_t value = 0;
  bool fits = false;
  if (is_number()) {
    const std::string_view digits = text();
    fits = read_digits(digits, value) && value >= low && value <= high;
  }
  if (!fits) {
    expected("a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return value;
}

double JsonValue::number() const {
  const std::string_view digits = number_text();
  double value = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (result.ec == std::errc::result_out_of_range) {
    // Too small or too large: strtod says which.
    return std::strtod(std::string(digits).c_str(), nullptr);
  }
  return value;
}

std::string_view JsonValue::number_text() const {
  if (!is_number()) expected("a number");
  return text();
}

// From the root downwards to the value: each step is the child whose part of the list holds it.
std::string JsonValue::path() const {
  std::string path;
  JsonValue at = document_->root();
  while (at.index_ != index_) {
    std::size_t number = 0;
    for (const JsonValue child : at.children()) {
      if (child.index_ <= index_ && index_ < child.node().next) {
        if (at.is_array()) {
          path += '[' + std::to_string(number) + ']';
        } else {
          path += (path.empty() ? "" : ".") + shown_key(child.key());
        }
        at = child;
        break;
      }
      ++number;
    }
  }
  return path.empty() ? document_->where_ : document_->where_ + ": " + path;
}

void JsonValue::fail(const std::string& problem, ErrorCode code) const {
  throw Error(code, path() + ": " + problem);
}

void JsonValue::fail_at(std::string_view key, const std::string& problem, ErrorCode code) const {
  if (const auto member = find(key)) member->fail(problem, code);
  throw Error(code, path() + (index_ == 0 ? ": " : ".") + std::string(key) + ": " + problem);
}

void JsonValue::expected(const std::string& what) const {
  std::string found = type_name();
  if (is_string()) found = quote(text());
  if (is_number()) found = printable(text(), 80);
  if (is_boolean()) found = node().truth ? "true" : "false";
  fail("expected " + what + ", found " + found);
}

void JsonValue::write(JsonWriter& writer) const {
  switch (type()) {
    case Type::null:
      writer.null();
      return;
    case Type::boolean:
      writer.value(node().truth);
      return;
    case Type::number:
      writer.raw(text());
      return;
    case Type::string:
      writer.value(text());
      return;
    case Type::array:
      writer.begin_array();
      for (const JsonValue child : children()) child.write(writer);
      writer.end();
      return;
    case Type::object:
      writer.begin_object();
      for (const JsonValue child : children()) {
        writer.key(child.key());
        child.write(writer);
      }
      writer.end();
      return;
  }
}

std::string JsonValue::to_json() const {
  std::string out;
  JsonWriter writer(out);
  write(writer);
  return out;
}

}  // namespace sapwood
