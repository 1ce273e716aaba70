// JSON as it is written: text appended piece by piece, no tree in between.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sapwood {

// Appends one JSON value to a string; commas and quotes are put where they belong. Keys and values
// come in the order of the calls:
//
//   JsonWriter(out).begin_object().key("label").value("POSITIVE").key("score").value(0.5f).end();
//
// Bytes that are not UTF-8 become U+FFFD.
class JsonWriter {
 public:
  // `indent`: spaces a level, each value on a line of its own; 0: all on one line.
  explicit JsonWriter(std::string& out, int indent = 0) : out_(out), indent_(indent) {}

  JsonWriter& begin_object() { return begin('{'); }
  JsonWriter& begin_array() { return begin('['); }
  JsonWriter& end();  // of what was begun last
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  JsonWriter& value(bool truth) { return raw(truth ? "true" : "false"); }
  JsonWriter& value(int number) { return value(static_cast<std::int64_t>(number)); }
  JsonWriter& value(std::int64_t number);
  // The shortest text that reads back as the same number, with a fraction ("1.0"), so that readers
  // take it for one; null where it is not finite.
  JsonWriter& value(float number);
  JsonWriter& value(double number);
  JsonWriter& null() { return raw("null"); }
  JsonWriter& value(std::span<const std::string> texts);
  JsonWriter& value(const std::vector<std::string>& texts) {
    return value(std::span<const std::string>(texts));
  }
  // A list of numbers, and for brevity whole ones without a fraction: for long vectors.
  JsonWriter& value(std::span<const float> numbers);

  // A value that is JSON already.
  JsonWriter& raw(std::string_view json);

  template <class T>
  JsonWriter& member(std::string_view name, const T& content) {
    return key(name).value(content);
  }

 private:
  JsonWriter& begin(char bracket);
  void separate();
  void new_line();

  std::string& out_;
  int indent_;
  std::string open_;     // brackets that are to be closed
  bool first_ = true;    // nothing stands yet in what was begun last
  bool at_key_ = false;  // a key was written and its value is to come
};

// The text in quotes, as JSON spells it.
void append_json_string(std::string& out, std::string_view text);

// The shortest text of a number that reads back as the same float, without the fraction of whole
// numbers; null where it is not finite.
void append_json_number(std::string& out, float value);

}  // namespace sapwood
