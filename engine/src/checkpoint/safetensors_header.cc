#include "checkpoint/safetensors_header.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "checkpoint/checked.h"
#include "checkpoint/message.h"
#include "checkpoint/safetensors.h"
#include "sapwood/error.h"

namespace sapwood {
namespace {

using nlohmann::json;

// Receives the header's JSON as events and accepts exactly
//   {"__metadata__": {string: string, ...},
//    NAME: {"dtype": string, "shape": [n, ...], "data_offsets": [begin, end]}, ...}
// Wrong events throw on the spot, so the parser never goes deeper than the format does.
class HeaderHandler final : public nlohmann::json_sax<json> {
 public:
  HeaderHandler(const std::string& label, SafetensorsHeader& header)
      : label_(label), header_(header) {}

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a boolean"); }
  bool number_float(number_float_t, const string_t& text) override {
    return unexpected("the number " + text);
  }
  bool binary(binary_t&) override { return unexpected("binary data"); }

  bool number_integer(number_integer_t value) override {
    return unexpected("the number " + std::to_string(value));  // events of this kind are negative
  }

  bool number_unsigned(number_unsigned_t value) override {
    const auto size = checked_size(value);
    if (!size || (state_ != State::shape && state_ != State::offsets)) {
      return unexpected("the number " + std::to_string(value));
    }
    if (state_ == State::shape) {
      if (static_cast<std::int64_t>(entry().shape.size()) == kMaxRank) {
        fail("expected at most " + std::to_string(kMaxRank) + " dimensions, found more");
      }
      entry().shape.push_back(*size);
    } else {
      if (offsets_seen_ == 2) fail("expected two numbers, found more");
      (offsets_seen_++ == 0 ? entry().begin : entry().end) = *size;
    }
    return true;
  }

  bool string(string_t& value) override {
    if (state_ == State::metadata) {
      header_.metadata[key_] = std::move(value);
    } else if (state_ == State::tensor && field_ == Field::dtype) {
      entry().dtype = std::move(value);
    } else {
      return unexpected("the string " + quote(value));
    }
    return true;
  }

  bool start_object(std::size_t) override {
    switch (state_) {
      case State::start:
        state_ = State::table;
        return true;
      case State::table:
        if (in_metadata_) {
          state_ = State::metadata;
        } else {
          state_ = State::tensor;
          seen_ = 0;
          field_ = Field::none;
        }
        return true;
      default:
        return unexpected("an object");
    }
  }

  bool key(string_t& name) override {
    switch (state_) {
      case State::table:
        start_entry(name);
        return true;
      case State::metadata:
        key_ = std::move(name);
        if (header_.metadata.size() == static_cast<std::size_t>(kMaxTensors)) {
          fail("expected at most " + std::to_string(kMaxTensors) + " keys, found more");
        }
        if (!header_.metadata.try_emplace(key_).second) {
          fail("key " + quote(key_) + " appears twice");
        }
        return true;
      default:
        start_field(name);
        return true;
    }
  }

  bool end_object() override {
    if (state_ == State::tensor) {
      field_ = Field::none;
      if (seen_ != kAllFields) {
        fail("expected dtype, shape and data_offsets, found only some of them");
      }
      state_ = State::table;
    } else if (state_ == State::metadata) {
      state_ = State::table;
    } else {
      state_ = State::done;
    }
    return true;
  }

  bool start_array(std::size_t) override {
    if (state_ == State::tensor && field_ == Field::shape) {
      state_ = State::shape;
    } else if (state_ == State::tensor && field_ == Field::offsets) {
      state_ = State::offsets;
      offsets_seen_ = 0;
    } else {
      return unexpected("an array");
    }
    return true;
  }

  bool end_array() override {
    if (state_ == State::offsets && offsets_seen_ != 2) {
      fail("expected two numbers, found " + std::to_string(offsets_seen_));
    }
    state_ = State::tensor;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    throw Error(ErrorCode::malformed, label_ + ": header: not valid UTF-8 JSON at byte " +
                                          std::to_string(position) + " of the header");
  }

 private:
  enum class State { start, table, metadata, tensor, shape, offsets, done };
  enum class Field : unsigned { none = 0, dtype = 1, shape = 2, offsets = 4 };
  static constexpr unsigned kAllFields = 7;

  SafetensorsEntry& entry() { return header_.entries.back(); }

  void start_entry(string_t& name) {
    in_metadata_ = name == "__metadata__";
    if (in_metadata_) {
      if (std::exchange(metadata_seen_, true)) fail("__metadata__ appears twice");
      return;
    }
    if (static_cast<std::int64_t>(header_.entries.size()) == kMaxTensors) {
      throw Error(ErrorCode::malformed, label_ + ": header: expected at most " +
                                            std::to_string(kMaxTensors) + " tensors, found more");
    }
    header_.entries.emplace_back().name = std::move(name);
  }

  void start_field(const string_t& name) {
    field_ = name == "dtype"          ? Field::dtype
             : name == "shape"        ? Field::shape
             : name == "data_offsets" ? Field::offsets
                                      : Field::none;
    if (field_ == Field::none) {
      fail("expected dtype, shape and data_offsets, found the field " + quote(name));
    }
    if ((seen_ & static_cast<unsigned>(field_)) != 0) fail("the field appears twice");
    seen_ |= static_cast<unsigned>(field_);
  }

  // Where the parser is, for messages.
  std::string where() const {
    if (state_ == State::start || state_ == State::done) return "header";
    if (in_metadata_) {
      return state_ == State::metadata ? "__metadata__: " + quote(key_) : "__metadata__";
    }
    std::string out = "tensor " + quote(header_.entries.back().name);
    if (state_ == State::table) return out;
    switch (field_) {
      case Field::dtype:
        return out + ": dtype";
      case Field::shape:
        return out + ": shape";
      case Field::offsets:
        return out + ": data_offsets";
      case Field::none:
        break;
    }
    return out;
  }

  const char* wanted() const {
    switch (state_) {
      case State::metadata:
        return "a string";
      case State::shape:
      case State::offsets:
        return "integers from 0 to 2^63-1";
      case State::tensor:
        return field_ == Field::dtype ? "a string" : "an array of integers from 0 to 2^63-1";
      default:
        return "an object";
    }
  }

  bool unexpected(const std::string& found) {
    fail(std::string("expected ") + wanted() + ", found " + found);
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::malformed, label_ + ": " + where() + ": " + what);
  }

  const std::string& label_;
  SafetensorsHeader& header_;
  State state_ = State::start;
  Field field_ = Field::none;
  std::string key_;  // of the metadata
  unsigned seen_ = 0;
  int offsets_seen_ = 0;
  bool in_metadata_ = false;
  bool metadata_seen_ = false;
};

void require_unique_names(const std::vector<SafetensorsEntry>& entries, const std::string& label) {
  std::vector<std::string_view> names;
  names.reserve(entries.size());
  for (const SafetensorsEntry& entry : entries) names.push_back(entry.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) {
    throw Error(ErrorCode::malformed, label + ": tensor " + quote(*twice) + " appears twice");
  }
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& label) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  // Asked here, because the JSON library would skip a byte order mark.
  if (first == std::string_view::npos || text[first] != '{') {
    throw Error(ErrorCode::malformed,
                label + ": header: expected a JSON object, found " + quote(text.substr(0, 16)));
  }
  SafetensorsHeader header;
  HeaderHandler handler(label, header);
  json::sax_parse(text.data() + first, text.data() + text.size(), &handler);
  // The JSON library takes NUL for the end of its input and would not see what follows.
  if (text.find('\0') != std::string_view::npos) {
    throw Error(ErrorCode::malformed, label + ": header: found a NUL byte in the JSON text");
  }
  require_unique_names(header.entries, label);
  return header;
}

}  // namespace sapwood
