// JSON from outside: the one reader for every file and every line of input.
//
// A document is read whole into one flat list of values, in one pass that goes no deeper than
// kMaxJsonDepth. Nothing of it is allocated value by value, and taking it apart allocates nothing,
// so that a failed allocation while it is read is an ordinary error. The library behind it
// (simdjson) checks the syntax strictly: RFC 8259, no comments, no byte order mark in the middle,
// lone surrogates refused.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_writer.h"
#include "sapwood/error.h"

namespace sapwood {

inline constexpr int kMaxJsonDepth = 64;

// What a key that an object has twice means. The reference libraries take the last one of their
// files; in a line of input it can only be a mistake.
enum class DoubledKeys { last_counts, error };

struct JsonLimits {
  DoubledKeys doubled_keys = DoubledKeys::last_counts;
  // Values, those inside arrays and objects included; each costs 24 bytes and a few.
  std::uint32_t values = 1 << 23;
};

class JsonValue;

class JsonDocument {
 public:
  // `where` is what messages call it: "config.json", or a path. A byte order mark at the start is
  // passed over. Throws Error malformed: not JSON (naming line and column), not UTF-8, nested too
  // deeply, too many values, a doubled key where that is an error.
  static JsonDocument parse(std::string text, std::string where, const JsonLimits& limits = {});
  // Of text that stays the caller's: what is copied has the room that the reader wants.
  static JsonDocument parse_copy(std::string_view text, std::string where,
                                 const JsonLimits& limits = {});

  // Views into the document, which must outlive them and stay where it is.
  JsonValue root() const noexcept;

  const std::string& where() const noexcept { return where_; }

  // Paths of the keys that came twice.
  const std::vector<std::string>& doubled_keys() const noexcept { return doubled_keys_; }
  // A sentence about each of them, for Notices.
  std::vector<std::string> doubled_key_notices() const;

 private:
  friend class JsonValue;
  friend class JsonReader;

  enum class Type : std::uint8_t { null, boolean, number, string, array, object };

  struct Node {
    std::uint32_t key = 0, key_size = 0;  // of a member of an object
    std::uint32_t text = 0, size = 0;     // of a string, unescaped; of a number, as it came
    std::uint32_t next = 0;               // the first value behind this one and all inside it
    Type type = Type::null;
    bool truth = false;
    bool key_escaped = false, text_escaped = false;  // in unescaped_, not in text_
  };

  const char* bytes(bool escaped) const noexcept {
    return escaped ? unescaped_.get() : text_.data();
  }

  std::string where_;
  // Keys, strings and numbers stay where they came in the text; what had escapes lies without them in a
  // place of its own. As large as the text, of which only the part that is used is ever touched.
  std::string text_;  // never short, so that it stays where it is when the document moves
  std::unique_ptr<char[]> unescaped_;
  std::vector<Node> nodes_;  // the values in the order in which they come; the first is the root
  std::vector<std::string> doubled_keys_;
};

// One value of a document. What it throws is Error malformed with the document's name and the
// value's place in it: "tokenizer.json: normalizer.normalizers[2].type: expected ..., found ...".
class JsonValue {
 public:
  bool is_null() const noexcept { return type() == Type::null; }
  bool is_boolean() const noexcept { return type() == Type::boolean; }
  bool is_number() const noexcept { return type() == Type::number; }
  bool is_string() const noexcept { return type() == Type::string; }
  bool is_array() const noexcept { return type() == Type::array; }
  bool is_object() const noexcept { return type() == Type::object; }
  const char* type_name() const noexcept;  // "null", "a boolean", ...

  // --- objects

  // The member of this name (of several the last), or nothing: also where this is no object.
  std::optional<JsonValue> find(std::string_view key) const noexcept;
  // Whether there is a member of this name that is not null.
  bool has(std::string_view key) const noexcept;
  // The member, which may be null. Throws where it is missing or this is no object.
  JsonValue at(std::string_view key) const;

  // --- values

  std::string_view string() const;
  bool boolean() const;
  // A whole number: digits without fraction and exponent, in [low, high].
  std::int64_t integer(std::int64_t low, std::int64_t high) const;
  // Any number; infinite where it is beyond double's range.
  double number() const;
  // The number's own text.
  std::string_view number_text() const;

  // --- members by name; where one is missing or null: `fallback`, or an error

  std::string_view string(std::string_view key) const { return there(key).string(); }
  std::string_view string(std::string_view key, std::string_view fallback) const {
    return has(key) ? at(key).string() : fallback;
  }
  bool boolean(std::string_view key, bool fallback) const {
    return has(key) ? at(key).boolean() : fallback;
  }
  int integer(std::string_view key, int low, int high) const {
    return static_cast<int>(there(key).integer(low, high));
  }
  int integer(std::string_view key, int low, int high, int fallback) const {
    return has(key) ? integer(key, low, high) : fallback;
  }
  JsonValue object(std::string_view key) const;

  // --- walking

  class Iterator;
  struct Range;
  // The elements of an array or the members of an object. Throws where it is neither.
  Range elements() const;
  Range members() const;
  std::vector<JsonValue> items() const;   // elements by number
  std::size_t size() const noexcept;      // elements or members, counted; 0 for other values
  std::string_view key() const noexcept;  // of a member; empty elsewhere

  // --- messages and copies

  // "config.json: id2label.0"; the document's name alone for the root.
  std::string path() const;
  [[noreturn]] void fail(const std::string& problem, ErrorCode code = ErrorCode::malformed) const;
  // About a member of this object, whether it is there or not.
  [[noreturn]] void fail_at(std::string_view key, const std::string& problem,
                            ErrorCode code = ErrorCode::malformed) const;
  [[noreturn]] void expected(const std::string& what) const;  // "expected WHAT, found ..."

  // The value as compact JSON, members in their order, numbers as they came.
  void write(JsonWriter& writer) const;
  std::string to_json() const;

 private:
  friend class JsonDocument;
  friend class JsonReader;
  using Type = JsonDocument::Type;

  JsonValue(const JsonDocument& document, std::uint32_t index) noexcept
      : document_(&document), index_(index) {}
  const JsonDocument::Node& node() const noexcept { return document_->nodes_[index_]; }
  Type type() const noexcept { return node().type; }
  std::string_view text() const noexcept {
    const JsonDocument::Node& n = node();
    return {document_->bytes(n.text_escaped) + n.text, n.size};
  }
  JsonValue there(std::string_view key) const;
  Range children() const noexcept;

  const JsonDocument* document_;
  std::uint32_t index_;
};

class JsonValue::Iterator {
 public:
  Iterator(const JsonDocument& document, std::uint32_t index) noexcept
      : document_(&document), index_(index) {}
  JsonValue operator*() const noexcept { return JsonValue(*document_, index_); }
  Iterator& operator++() noexcept {
    index_ = document_->nodes_[index_].next;
    return *this;
  }
  bool operator==(const Iterator&) const = default;

 private:
  const JsonDocument* document_;
  std::uint32_t index_;
};

struct JsonValue::Range {
  Iterator first, last;
  Iterator begin() const noexcept { return first; }
  Iterator end() const noexcept { return last; }
};

inline JsonValue JsonDocument::root() const noexcept { return JsonValue(*this, 0); }

}  // namespace sapwood
