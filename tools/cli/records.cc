#include "records.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/quote.h"
#include "sapwood/utf8.h"

namespace sapwood::cli {
namespace {

using InputJson = nlohmann::json;

constexpr int kMaxJsonDepth = 64;

// Nesting of brackets outside strings: known before a parser spends anything on it.
bool too_deep(std::string_view json) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char byte = json[i];
    if (in_string) {
      if (byte == '\\') ++i;
      if (byte == '"') in_string = false;
    } else if (byte == '"') {
      in_string = true;
    } else if (byte == '[' || byte == '{') {
      if (++depth > kMaxJsonDepth) return true;
    } else if (byte == ']' || byte == '}') {
      --depth;
    }
  }
  return false;
}

std::string expected(const Schema& schema) {
  std::string text = "{\"" + schema.first + "\": " + (schema.first_is_ids ? "[...]" : "\"...\"");
  if (!schema.second.empty()) {
    text +=
        ", \"" + schema.second + "\": " + (schema.second_is_list ? "[\"...\", ...]" : "\"...\"");
  }
  return text + "}";
}

std::string string_field(const InputJson& value, const std::string& name) {
  if (!value.is_string()) {
    throw Error(ErrorCode::malformed,
                "\"" + name + "\" must be a string, found " + value.type_name());
  }
  return value.get<std::string>();
}

std::vector<std::string> list_field(const InputJson& value, const std::string& name) {
  if (!value.is_array()) {
    throw Error(ErrorCode::malformed,
                "\"" + name + "\" must be an array of strings, found " + value.type_name());
  }
  std::vector<std::string> list;
  list.reserve(value.size());
  for (const InputJson& element : value) list.push_back(string_field(element, name + "[]"));
  return list;
}

std::string ids_field(const InputJson& value, const std::string& name) {
  std::string text;
  if (value.is_array()) {
    for (const InputJson& id : value) {
      if (!id.is_number_integer()) break;
      text += id.dump() + ' ';
    }
  }
  if (!value.is_array() ||
      static_cast<std::size_t>(std::count(text.begin(), text.end(), ' ')) != value.size()) {
    throw Error(ErrorCode::malformed, "\"" + name + "\" must be an array of integers");
  }
  return text;
}

// Fills from the options what the input did not carry; the first field must be there in the end.
Record complete(std::optional<std::string> first, std::optional<std::string> second, bool has_list,
                std::vector<std::string> list, const Schema& schema) {
  if (!first) first = schema.fixed_first;
  if (!second) second = schema.fixed_second;
  if (!first) {
    throw Error(ErrorCode::malformed,
                "\"" + schema.first + "\" is missing; expected " + expected(schema));
  }
  const bool has_second = schema.second_is_list ? has_list : second.has_value();
  if (schema.second_required && !has_second) {
    throw Error(ErrorCode::malformed,
                "\"" + schema.second + "\" is missing; expected " + expected(schema));
  }
  return {std::move(*first), std::move(second), std::move(list)};
}

}  // namespace

Record parse_text_record(std::string line, const Schema& schema) {
  const bool fills_second = schema.fixed_first && !schema.second.empty() && !schema.fixed_second;
  if (fills_second) return complete(std::nullopt, std::move(line), false, {}, schema);
  return complete(std::move(line), std::nullopt, false, {}, schema);
}

Record parse_json_record(std::string_view line, const Schema& schema) {
  utf8::require_valid(line, "the line");
  if (too_deep(line)) {
    throw Error(ErrorCode::malformed, "JSON nested deeper than " + std::to_string(kMaxJsonDepth) +
                                          " levels; expected " + expected(schema));
  }
  InputJson json;
  try {
    json = InputJson::parse(line);
  } catch (const InputJson::exception& error) {
    // nlohmann prefixes its messages with "[json.exception.parse_error.101] ".
    const std::string_view what = error.what();
    const std::size_t prefix = what.find("] ");
    throw Error(ErrorCode::malformed,
                "not JSON: " + printable(prefix == what.npos ? what : what.substr(prefix + 2)));
  }
  // A bare string stands for its text; there is nothing else it could mean.
  if (json.is_string() && !schema.second_required && !schema.first_is_ids) {
    return complete(json.get<std::string>(), std::nullopt, false, {}, schema);
  }
  if (!json.is_object()) {
    throw Error(ErrorCode::malformed,
                "expected " + expected(schema) + ", found " + std::string(json.type_name()));
  }
  std::optional<std::string> first, second;
  std::vector<std::string> list;
  bool has_list = false;
  if (const auto at = json.find(schema.first); at != json.end()) {
    first = schema.first_is_ids ? ids_field(*at, schema.first) : string_field(*at, schema.first);
  }
  if (!schema.second.empty()) {
    const auto at = json.find(schema.second);
    // null is how many writers say "no second text".
    if (at != json.end() && (!at->is_null() || schema.second_required)) {
      if (schema.second_is_list) {
        list = list_field(*at, schema.second);
        has_list = true;
      } else {
        second = string_field(*at, schema.second);
      }
    }
  }
  return complete(std::move(first), std::move(second), has_list, std::move(list), schema);
}

Record parse_csv_record(const std::vector<std::string>& header,
                        const std::vector<std::string>& fields, const Schema& schema) {
  if (fields.size() != header.size()) {
    throw Error(ErrorCode::malformed, "expected " + std::to_string(header.size()) +
                                          " fields as in the header, found " +
                                          std::to_string(fields.size()));
  }
  std::optional<std::string> first, second;
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (header[i] == schema.first) first = fields[i];
    if (!schema.second.empty() && header[i] == schema.second) second = fields[i];
  }
  return complete(std::move(first), std::move(second), false, {}, schema);
}

std::vector<Item> argument_items(const std::vector<std::string>& arguments, const Schema& schema) {
  std::vector<Item> items;
  for (const std::string& argument : arguments) {
    items.push_back({items.size() + 1, parse_text_record(argument, schema)});
  }
  return items;
}

RecordSource::RecordSource(const std::string& path, InputFormat format, Schema schema)
    : schema_(std::move(schema)), format_(format) {
  const Framing framing = format == InputFormat::csv ? Framing::csv : Framing::lines;
  reader_ = std::make_unique<RecordReader>(path, framing);
}

bool RecordSource::read_header() {
  RawRecord raw;
  if (reader_->next(raw, true) == RecordReader::Status::end) return false;
  header_ = csv::parse_record(raw.bytes);
  const auto has = [&](const std::string& name) {
    return !name.empty() && std::find(header_.begin(), header_.end(), name) != header_.end();
  };
  const bool first = has(schema_.first) || schema_.fixed_first;
  const bool second = !schema_.second_required || has(schema_.second) || schema_.fixed_second;
  if (!first || !second) {
    throw Error(ErrorCode::malformed,
                "the first line of the CSV input must name its columns, with \"" +
                    (first ? schema_.second : schema_.first) +
                    "\" among them; found: " + printable(raw.bytes));
  }
  for (const std::string& name : {schema_.first, schema_.second}) {
    // Which of the two is meant cannot be known.
    if (!name.empty() && std::count(header_.begin(), header_.end(), name) > 1) {
      throw Error(ErrorCode::malformed, "the first line of the CSV input names the column \"" +
                                            name +
                                            "\" more than once; found: " + printable(raw.bytes));
    }
  }
  return true;
}

Item RecordSource::parse(RawRecord raw) {
  try {
    if (raw.oversized) {
      throw Error(ErrorCode::too_long, "longer than " +
                                           std::to_string(RecordReader::kMaxRecordBytes >> 20) +
                                           " MiB, the most that is read as one input; split it");
    }
    switch (format_) {
      case InputFormat::text:
        return {raw.line, parse_text_record(std::move(raw.bytes), schema_)};
      case InputFormat::jsonl:
        return {raw.line, parse_json_record(raw.bytes, schema_)};
      case InputFormat::csv:
        return {raw.line, parse_csv_record(header_, csv::parse_record(raw.bytes), schema_)};
    }
    throw Error(ErrorCode::invalid_argument, "unknown input format");
  } catch (const Error& error) {
    return {raw.line,
            Error(error.code(), "line " + std::to_string(raw.line) + ": " + error.what())};
  }
}

bool RecordSource::next_chunk(std::vector<Item>& items, const ChunkLimits& limits) {
  items.clear();
  if (reader_ == nullptr) {
    while (next_item_ < items_.size() && items.size() < limits.records) {
      items.push_back(std::move(items_[next_item_++]));
    }
    return !items.empty();
  }
  if (format_ == InputFormat::csv && header_.empty() && !read_header()) return false;
  RawRecord raw;
  for (std::size_t bytes = 0; items.size() < limits.records && bytes < limits.bytes;) {
    if (reader_->next(raw, items.empty()) != RecordReader::Status::record) break;
    bytes += raw.bytes.size();
    // Blank lines between JSON objects or CSV records carry nothing; in text they are empty texts.
    const bool blank = raw.bytes.find_first_not_of(" \t\r") == std::string::npos;
    if (format_ != InputFormat::text && blank && !raw.oversized) continue;
    items.push_back(parse(std::move(raw)));
  }
  return !items.empty();
}

}  // namespace sapwood::cli
