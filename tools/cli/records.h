// From raw input to what a task reads: a text, a text and a second one, or a query and its texts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "record_reader.h"
#include "sapwood/result.h"

namespace sapwood::cli {

enum class InputFormat : std::uint8_t { text, jsonl, csv, tsv, json };

// Which fields a task's inputs have.
struct Schema {
  std::string first = "text";  // the name in JSONL objects and CSV headers
  std::string second;          // "": inputs are single texts
  bool second_required = false;
  bool second_is_list = false;  // JSONL only: an array of strings
  bool first_is_ids = false;    // JSONL: an array of integers, kept as "1 2 3"
  // Given as options: used where an input does not carry the field.
  std::optional<std::string> fixed_first, fixed_second;
};

struct Record {
  std::string first;
  std::optional<std::string> second;
  std::vector<std::string> list;
};

// One input in its place, or why it could not be read.
struct Item {
  std::size_t number;  // of the line or argument, from 1
  Result<Record> record;
};

// For the JSON of one input. A million values are more than any task reads and cost 24 MiB; the
// fields that no task reads count too. Without the limit, 64 MiB of brackets and commas would
// become values of 1.5 GiB.
inline constexpr JsonLimits kRecordJson{DoubledKeys::error, 1 << 20};

// A parser for one record of each format. Throw Error malformed or invalid_utf8. A line of text is
// the first field, or the second where only the first is fixed. JSON has its limits above; `where`
// is what its messages begin with ("line 3").
Record parse_text_record(std::string line, const Schema& schema);
Record parse_json_record(std::string line, const Schema& schema, const std::string& where);
Record parse_csv_record(const std::vector<std::string>& header,
                        const std::vector<std::string>& fields, const Schema& schema);

// Inputs given as arguments: each is one text, as if it were a line.
std::vector<Item> argument_items(const std::vector<std::string>& arguments, const Schema& schema);

// What limits one chunk: enough to fill batches, little enough to bound memory.
struct ChunkLimits {
  std::size_t records = 1024;
  std::size_t bytes = std::size_t{1} << 20;
};

class RecordSource {
 public:
  // Inputs that are already there.
  explicit RecordSource(std::vector<Item> items) : items_(std::move(items)) {}
  // A file, or "-" for standard input. Throws Error where it cannot be opened; where the header of a
  // table lacks a field, Error malformed comes from the first next_chunk.
  RecordSource(const std::string& path, InputFormat format, Schema schema);

  // Waits for one input, then takes what else is there at once, up to the limits. False at the end.
  bool next_chunk(std::vector<Item>& items, const ChunkLimits& limits);

  bool single() const { return reader_ == nullptr && items_.size() == 1; }
  const RecordReader* reader() const { return reader_.get(); }  // null: items

 private:
  bool is_table() const { return format_ == InputFormat::csv || format_ == InputFormat::tsv; }
  char separator() const { return format_ == InputFormat::tsv ? '\t' : ','; }
  bool read_header();
  Item parse(RawRecord raw);

  Schema schema_;
  std::vector<Item> items_;
  std::size_t next_item_ = 0;
  std::unique_ptr<RecordReader> reader_;
  InputFormat format_ = InputFormat::text;
  std::vector<std::string> header_;
};

}  // namespace sapwood::cli
