#include "records.h"

#include <algorithm>
#include <limits>

#include "base/error_place.h"
#include "base/quote.h"
#include "sapwood/utf8.h"

namespace sapwood::cli {
namespace {

std::string expected(const Schema& schema) {
  std::string text = "{\"" + schema.first + "\": " + (schema.first_is_ids ? "[...]" : "\"...\"");
  if (!schema.second.empty()) {
    text +=
        ", \"" + schema.second + "\": " + (schema.second_is_list ? "[\"...\", ...]" : "\"...\"");
  }
  return text + "}";
}

std::vector<std::string> list_field(const JsonValue& value) {
  std::vector<std::string> list;
  for (const JsonValue element : value.elements()) list.emplace_back(element.string());
  return list;
}

// "1 2 3 "
std::string ids_field(const JsonValue& value) {
  constexpr std::int64_t kLow = std::numeric_limits<std::int32_t>::min(),
                         kHigh = std::numeric_limits<std::int32_t>::max();
  std::string text;
  for (const JsonValue id : value.elements()) {
    text += std::to_string(id.integer(kLow, kHigh));
    text += ' ';
  }
  return text;
}

// Fills from the options what the input did not carry; the first field must be there in the end.
struct Found {
  std::optional<std::string> first, second;
  std::optional<std::vector<std::string>> list;  // the second field where it is one
};
Record complete(Found found, const Schema& schema) {
  if (!found.first) found.first = schema.fixed_first;
  if (!found.second) found.second = schema.fixed_second;
  if (!found.first) {
    throw Error(ErrorCode::malformed, "\"" + schema.first + "\" is missing; expected " +
                                          expected(schema) + " (--field names another one)");
  }
  const bool has_second = schema.second_is_list ? found.list.has_value() : found.second.has_value();
  if (schema.second_required && !has_second) {
    throw Error(ErrorCode::malformed,
                "\"" + schema.second + "\" is missing; expected " + expected(schema));
  }
  return {std::move(*found.first), std::move(found.second),
          std::move(found.list).value_or(std::vector<std::string>())};
}

}  // namespace

Record parse_text_record(std::string line, const Schema& schema) {
  const bool fills_second = schema.fixed_first && !schema.second.empty() && !schema.fixed_second;
  if (fills_second) return complete({.second = std::move(line)}, schema);
  return complete({.first = std::move(line)}, schema);
}

Record parse_json_record(std::string line, const Schema& schema, const std::string& where) {
  utf8::require_valid(line, "the line");
  const auto json = JsonDocument::parse(std::move(line), where, kRecordJson);
  const JsonValue root = json.root();
  // A bare string stands for its text; there is nothing else it could mean.
  if (root.is_string() && !schema.second_required && !schema.first_is_ids) {
    return complete({.first = std::string(root.string())}, schema);
  }
  if (!root.is_object()) root.expected(expected(schema));
  Found found;
  if (const auto value = root.find(schema.first)) {
    found.first = schema.first_is_ids ? ids_field(*value) : std::string(value->string());
  }
  if (!schema.second.empty()) {
    const auto value = root.find(schema.second);
    // null is how many writers say "no second text".
    if (value && (!value->is_null() || schema.second_required)) {
      if (schema.second_is_list) {
        found.list = list_field(*value);
      } else {
        found.second = value->string();
      }
    }
  }
  return complete(std::move(found), schema);
}

Record parse_csv_record(const std::vector<std::string>& header,
                        const std::vector<std::string>& fields, const Schema& schema) {
  if (fields.size() != header.size()) {
    throw Error(ErrorCode::malformed, "expected " + std::to_string(header.size()) +
                                          " fields as in the header, found " +
                                          std::to_string(fields.size()));
  }
  Found found;
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (header[i] == schema.first) found.first = fields[i];
    if (!schema.second.empty() && header[i] == schema.second) found.second = fields[i];
  }
  return complete(std::move(found), schema);
}

std::vector<Item> argument_items(const std::vector<std::string>& arguments, const Schema& schema) {
  std::vector<Item> items;
  for (const std::string& argument : arguments) {
    items.push_back({items.size() + 1, parse_text_record(argument, schema)});
  }
  return items;
}

namespace {

Framing framing_of(InputFormat format) {
  switch (format) {
    case InputFormat::csv:
      return Framing::csv;
    case InputFormat::tsv:
      return Framing::tsv;
    case InputFormat::json:
      return Framing::json;
    case InputFormat::text:
    case InputFormat::jsonl:
      break;
  }
  return Framing::lines;
}

// "  Text " is what some programs make of "text".
std::string plain_name(std::string_view name) {
  const std::size_t first = name.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  name = name.substr(first, name.find_last_not_of(" \t") + 1 - first);
  std::string plain(name);
  for (char& c : plain) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return plain;
}

// Where no column has the field's name itself, those that differ in blanks and capitals alone get it.
void match_column(const std::string& field, std::vector<std::string>& header) {
  if (field.empty() || std::find(header.begin(), header.end(), field) != header.end()) return;
  for (std::string& name : header) {
    if (plain_name(name) == plain_name(field)) name = field;
  }
}

}  // namespace

RecordSource::RecordSource(const std::string& path, InputFormat format, Schema schema)
    : schema_(std::move(schema)), format_(format) {
  reader_ = std::make_unique<RecordReader>(path, framing_of(format));
}

bool RecordSource::read_header() {
  RawRecord raw;
  if (reader_->next(raw, Wait::yes) == RecordReader::Status::end) return false;
  const std::string what = "the first line of the " +
                           std::string(format_ == InputFormat::tsv ? "TSV" : "CSV") + " input ";
  header_ = csv::parse_record(raw.bytes, separator());
  for (const std::string& name : {schema_.first, schema_.second}) match_column(name, header_);
  const auto has = [&](const std::string& name) {
    return !name.empty() && std::find(header_.begin(), header_.end(), name) != header_.end();
  };
  const bool first = has(schema_.first) || schema_.fixed_first;
  const bool second = !schema_.second_required || has(schema_.second) || schema_.fixed_second;
  if (!first || !second) {
    throw Error(ErrorCode::malformed,
                what + "must name its columns, with \"" + (first ? schema_.second : schema_.first) +
                    "\" among them (--field names another one); found: " + printable(raw.bytes));
  }
  for (const std::string& name : {schema_.first, schema_.second}) {
    // Which of the two is meant cannot be known.
    if (!name.empty() && std::count(header_.begin(), header_.end(), name) > 1) {
      throw Error(ErrorCode::malformed, what + "names the column \"" + name +
                                            "\" more than once; found: " + printable(raw.bytes));
    }
  }
  return true;
}

Item RecordSource::parse(RawRecord raw) {
  const std::string where = "line " + std::to_string(raw.line);
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
      case InputFormat::json:
        return {raw.line, parse_json_record(std::move(raw.bytes), schema_, where)};
      case InputFormat::csv:
      case InputFormat::tsv:
        return {raw.line,
                parse_csv_record(header_, csv::parse_record(raw.bytes, separator()), schema_)};
    }
    throw Error(ErrorCode::invalid_argument, "unknown input format");
  } catch (const Error& error) {
    if (error.code() == ErrorCode::out_of_memory) throw;
    return {raw.line, placed(error, where)};
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
  if (is_table() && header_.empty() && !read_header()) return false;
  RawRecord raw;
  for (std::size_t bytes = 0; items.size() < limits.records && bytes < limits.bytes;) {
    if (reader_->next(raw, items.empty() ? Wait::yes : Wait::no) != RecordReader::Status::record)
      break;
    bytes += raw.bytes.size();
    // Blank lines between JSON objects or CSV records carry nothing; in text they are empty texts.
    const bool blank = raw.bytes.find_first_not_of(" \t\r\n") == std::string::npos;
    if (format_ != InputFormat::text && blank && !raw.oversized) continue;
    items.push_back(parse(std::move(raw)));
  }
  return !items.empty();
}

}  // namespace sapwood::cli
