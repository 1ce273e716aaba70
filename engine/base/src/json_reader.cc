// From a JSON text to the list of its values.
#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/hash.h"
#include "base/json.h"
#include "base/large_pages.h"
#include "base/quote.h"
#include "base/valid_utf8.h"
#include "sapwood/utf8.h"

namespace sapwood {

namespace ondemand = simdjson::ondemand;

namespace {

// Before main, because the library chooses its functions for this processor at their first use in a
// place that ends the program when memory fails.
[[maybe_unused]] const bool functions_chosen =
    (static_cast<void>(simdjson::get_active_implementation()->name()), true);

constexpr std::size_t kMostDoubled = 16;  // keys that are named

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Bytes of the number that the text begins with; 0 where it begins with none. RFC 8259, section 6. Asked
// here, because numbers are kept as text: a configuration may hold integers of any length.
std::size_t number_size(std::string_view text) noexcept {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t begin = i;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
    return i - begin;
  };
  if (i < text.size() && text[i] == '-') ++i;
  const std::size_t whole = i;
  if (digits() == 0) return 0;
  if (text[whole] == '0' && i - whole > 1) return 0;
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (digits() == 0) return 0;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (digits() == 0) return 0;
  }
  return i;
}

// The white space that JSON has between its tokens.
bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view trim_end(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// The first quotation mark or backslash from `at` on. There is one, and the bytes of a word behind it can
// be read.
SAPWOOD_WRAPS const char* find_quote_or_escape(const char* at) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101u, kHighs = 0x8080808080808080u;
  const auto has = [](std::uint64_t word, char c) SAPWOOD_WRAPS {
    const std::uint64_t zero_where_c = word ^ kOnes * static_cast<unsigned char>(c);
    return (zero_where_c - kOnes) & ~zero_where_c & kHighs;
  };
  for (std::uint64_t word;; at += sizeof word) {
    std::memcpy(&word, at, sizeof word);
    if (has(word, '"') | has(word, '\\')) break;
  }
  while (*at != '"' && *at != '\\') ++at;
  return at;
}

}  // namespace

// Here, because no other file includes the library.
bool valid_utf8(std::string_view text) noexcept {
  return simdjson::validate_utf8(text.data(), text.size());
}

// Walks a document once and lists its values.
class JsonReader {
 public:
  JsonReader(JsonDocument& document, const JsonLimits& limits)
      : document_(document), limits_(limits) {}

  // Bytes behind a text: the library reads beyond its end.
  static constexpr std::size_t kRoom = simdjson::SIMDJSON_PADDING;

  void read(std::string text) {
    if (std::string_view(text).starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
    text_ = std::move(text);
    check_size();
    const std::size_t first = text_.find_first_not_of(" \t\r\n");
    scalar_ = first != text_.npos && text_[first] != '{' && text_[first] != '[';
    if (scalar_) text_.insert(0, 1, '[').push_back(']');
    text_.reserve(text_.size() + kRoom);
    // As many as a large list of short values has; what is not used is never touched.
    document_.nodes_.reserve(std::min<std::size_t>(text_.size() / 10 + 8, limits_.values));
    advise_large_pages(document_.nodes_.data(), document_.nodes_.capacity() * sizeof(Node));
    ondemand::document source;
    check(parser_.iterate(text_.data(), text_.size(), text_.capacity()).get(source), nullptr);
    read_root(source);
    report_doubled();
  }

 private:
  using Node = JsonDocument::Node;
  using Type = JsonDocument::Type;

  // Before any memory is taken for the values: each but the first has a comma, a bracket or a brace
  // before it.
  void check_size() const {
    // The library's memory grows with the text, too, so that text without values is bounded by the
    // caller, who knows what is being read.
    if (text_.size() / 2 < limits_.values) return;
    const auto before = [](char c) { return c == ',' || c == '[' || c == '{'; };
    if (std::ranges::count_if(text_, before) >= std::int64_t{limits_.values}) too_many();
  }

  // A document that is one string, number or word is read as the only element of a list, because
  // the library has other ways for such a document.
  void read_root(ondemand::document& source) {
    if (!scalar_) {
      ondemand::value value;
      check(source.get_value().get(value), &source);
      read_value(value, source, 1);
    } else {
      ondemand::array array;
      check(source.get_array().get(array), &source);
      for (auto element : array) {
        if (!document_.nodes_.empty()) fail("found more behind the end of the value", &source);
        ondemand::value value;
        check(element.get(value), &source);
        read_value(value, source, 1);
      }
    }
    if (document_.nodes_.empty()) fail("the text is empty", nullptr);
    if (source.current_location().error() != simdjson::OUT_OF_BOUNDS) {
      fail("found more behind the end of the value", &source);
    }
  }

  std::uint32_t add(Type type) {
    if (document_.nodes_.size() >= limits_.values) too_many();
    Node& node = document_.nodes_.emplace_back();
    node.type = type;
    node.next = static_cast<std::uint32_t>(document_.nodes_.size());
    return node.next - 1;
  }

  // A number's or string's place in the document's text, or in that of what had escapes.
  struct Place {
    std::uint32_t begin, size;
    bool escaped = false;
  };

  Place place_of(const char* begin, const char* end) const {
    return {static_cast<std::uint32_t>(begin - text_.data()),
            static_cast<std::uint32_t>(end - begin)};
  }

  Place place_of(ondemand::raw_json_string text, ondemand::document& source) {
    const char* const begin = text.raw();
    // The library has found where it ends, and that it is valid but for its escapes.
    const char* const end = find_quote_or_escape(begin);
    return *end == '"' ? place_of(begin, end) : unescape(text, source);
  }

  // Into its place, without the library's own buffer: version 3 of it does not notice where that cannot be
  // allocated.
  Place unescape(ondemand::raw_json_string text, ondemand::document& source) {
    if (!document_.unescaped_) {
      // No string is longer than what it is made of, and the library writes whole vectors.
      document_.unescaped_ =
          std::make_unique_for_overwrite<char[]>(text_.size() + simdjson::SIMDJSON_PADDING);
    }
    auto* at = reinterpret_cast<std::uint8_t*>(document_.unescaped_.get() + used_);
    std::string_view unescaped;
    check(parser_.unescape(text, at).get(unescaped), &source);
    const Place place{static_cast<std::uint32_t>(used_),
                      static_cast<std::uint32_t>(unescaped.size()), true};
    used_ += unescaped.size();
    return place;
  }

  void add_text(Type type, Place place) {
    Node& node = document_.nodes_[add(type)];
    node.text = place.begin;
    node.size = place.size;
    node.text_escaped = place.escaped;
  }

  void read_value(ondemand::value value, ondemand::document& source, int depth) {
    ondemand::json_type type{};
    check(value.type().get(type), &source);
    if (type == ondemand::json_type::object) {
      read_object(value, source, depth);
    } else if (type == ondemand::json_type::array) {
      read_array(value, source, depth);
    } else {
      read_scalar(value, source);
    }
  }

  void read_scalar(ondemand::value& value, ondemand::document& source) {
    ondemand::json_type type{};
    check(value.type().get(type), &source);
    switch (type) {
      case ondemand::json_type::string: {
        ondemand::raw_json_string text;
        check(value.get_raw_json_string().get(text), &source);
        return add_text(Type::string, place_of(text, source));
      }
      case ondemand::json_type::number: {
        const std::string_view text = value.raw_json_token();
        const std::size_t size = number_size(text);
        if (size == 0 || !std::ranges::all_of(text.substr(size), is_space)) {
          fail("expected a number, found " + quote(trim_end(text)), &source);
        }
        return add_text(Type::number, place_of(text.data(), text.data() + size));
      }
      case ondemand::json_type::boolean: {
        bool truth = false;
        check(value.get_bool().get(truth), &source);
        document_.nodes_[add(Type::boolean)].truth = truth;
        return;
      }
      default: {
        bool null = false;
        check(value.is_null().get(null), &source);
        if (!null) fail("expected a value", &source);
        add(Type::null);
      }
    }
  }

  void read_array(ondemand::value& value, ondemand::document& source, int depth) {
    check_depth(depth, source);
    const std::uint32_t index = add(Type::array);
    ondemand::array array;
    check(value.get_array().get(array), &source);
    for (auto element : array) {
      ondemand::value item;
      check(element.get(item), &source);
      read_value(item, source, depth + 1);
    }
    document_.nodes_[index].next = static_cast<std::uint32_t>(document_.nodes_.size());
  }

  void read_object(ondemand::value& value, ondemand::document& source, int depth) {
    check_depth(depth, source);
    const std::uint32_t index = add(Type::object);
    ondemand::object object;
    check(value.get_object().get(object), &source);
    for (auto member : object) {
      ondemand::field field;
      check(std::move(member).get(field), &source);
      const Place key = place_of(field.key(), source);
      const std::size_t at = document_.nodes_.size();
      read_value(field.value(), source, depth + 1);
      document_.nodes_[at].key = key.begin;
      document_.nodes_[at].key_size = key.size;
      document_.nodes_[at].key_escaped = key.escaped;
    }
    document_.nodes_[index].next = static_cast<std::uint32_t>(document_.nodes_.size());
    find_doubled(index);
  }

  void find_doubled(std::uint32_t object) {
    const auto members = JsonValue(document_, object).children();
    std::size_t count = 0, slots = 16;
    for ([[maybe_unused]] const JsonValue member : members) ++count;
    while (slots < 2 * count) slots *= 2;
    table_.assign(slots, kNone);
    for (const JsonValue member : members) {
      std::size_t slot = seeded_hash(member.key(), seed_) & (slots - 1);
      while (table_[slot] != kNone && JsonValue(document_, table_[slot]).key() != member.key()) {
        slot = (slot + 1) & (slots - 1);
      }
      if (table_[slot] != kNone && doubled_.size() < kMostDoubled) {
        doubled_.push_back(member.index_);
      }
      table_[slot] = member.index_;
    }
  }

  // At the end, when every value's place is known.
  void report_doubled() {
    for (const std::uint32_t node : doubled_) {
      std::string path = JsonValue(document_, node).path();
      if (limits_.doubled_keys == DoubledKeys::error) {
        throw Error(ErrorCode::malformed, path + ": the key is given twice");
      }
      document_.doubled_keys_.push_back(std::move(path));
    }
  }

  // --- errors

  void check_depth(int depth, ondemand::document& source) const {
    if (depth > kMaxJsonDepth) {
      fail("nested deeper than " + std::to_string(kMaxJsonDepth) + " levels", &source);
    }
  }

  [[noreturn]] void too_many() const {
    throw Error(ErrorCode::malformed, document_.where_ + ": expected at most " +
                                          std::to_string(limits_.values) +
                                          " values in one JSON text, found more");
  }

  void check(simdjson::error_code code, ondemand::document* source) const {
    if (code != simdjson::SUCCESS) fail(code, source);
  }

  [[noreturn]] void fail(simdjson::error_code code, ondemand::document* source) const {
    if (code == simdjson::MEMALLOC) throw std::bad_alloc();
    const std::size_t invalid = utf8::find_invalid(text_);
    if (invalid != utf8::kValid) {
      throw Error(ErrorCode::malformed,
                  document_.where_ + ": not UTF-8 at byte " + std::to_string(invalid));
    }
    if (code == simdjson::EMPTY) fail("the text is empty", nullptr);
    if (code == simdjson::INCORRECT_TYPE) fail("expected a value", source);
    fail(simdjson::error_message(code), source);
  }

  // Where the library stands, as an editor counts it; nothing where it does not know.
  std::string place(ondemand::document* source) const {
    const char* at = nullptr;
    if (source == nullptr || source->current_location().get(at) != simdjson::SUCCESS) return {};
    // A bracket of ours stands before a scalar.
    const auto offset = static_cast<std::size_t>(at - text_.data());
    if (offset > text_.size() || offset < std::size_t{scalar_}) return {};
    const std::string_view before = std::string_view(text_).substr(0, offset);
    const std::size_t line = before.rfind('\n');
    const std::size_t column = line == before.npos ? offset - scalar_ : offset - line - 1;
    // A text of one line often is a line of something else, whose number the caller names.
    const bool one_line = text_.find('\n') == text_.npos;
    return ", near " +
           (one_line
                ? ""
                : "line " + std::to_string(std::count(before.begin(), before.end(), '\n') + 1) +
                      ", ") +
           "column " + std::to_string(column + 1);
  }

  [[noreturn]] void fail(const std::string& why, ondemand::document* source) const {
    throw Error(ErrorCode::malformed,
                document_.where_ + ": not valid JSON" + place(source) + ": " + why);
  }

  static constexpr std::uint32_t kNone = 0xffffffff;

  JsonDocument& document_;
  const JsonLimits& limits_;
  std::string& text_ = document_.text_;
  ondemand::parser parser_{std::numeric_limits<std::uint32_t>::max()};
  std::size_t used_ = 0;  // of the document's unescaped text
  bool scalar_ = false;   // text_ was put into a list of its own
  std::uint64_t seed_ = hash_seed();
  std::vector<std::uint32_t> table_;  // of an object's keys: its members, by hash
  std::vector<std::uint32_t> doubled_;
};

JsonDocument JsonDocument::parse_copy(std::string_view text, std::string where,
                                      const JsonLimits& limits) {
  std::string copy;
  copy.reserve(text.size() + JsonReader::kRoom);
  advise_large_pages(copy.data(), copy.capacity());
  copy = text;
  return parse(std::move(copy), std::move(where), limits);
}

JsonDocument JsonDocument::parse(std::string text, std::string where, const JsonLimits& limits) {
  JsonDocument document;
  document.where_ = std::move(where);
  if (text.size() >= std::numeric_limits<std::uint32_t>::max() - simdjson::SIMDJSON_PADDING) {
    throw Error(ErrorCode::malformed, document.where_ + ": expected less than 4 GiB of JSON");
  }
  JsonReader(document, limits).read(std::move(text));
  return document;
}

std::vector<std::string> JsonDocument::doubled_key_notices() const {
  std::vector<std::string> notices;
  for (const std::string& key : doubled_keys_) {
    notices.push_back(key + " is given twice; the last one counts");
  }
  return notices;
}

}  // namespace sapwood
