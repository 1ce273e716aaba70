// Cuts an input stream into records without reading ahead of what was asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "csv.h"
#include "json_framing.h"

namespace sapwood::cli {

enum class Framing : std::uint8_t {
  lines,  // a record ends at "\n" (or "\r\n")
  csv,    // the same, but not inside a quoted field
  tsv,    // likewise, with fields cut at tabs
  json,   // the elements of an array, or values with line ends between them
};

struct RawRecord {
  std::string bytes;  // without its line end
  std::size_t line =
      0;  // number of its first line, from 1; of JSON, of the first that is not blank
  bool oversized = false;  // longer than the reader's limit: bytes is empty
};

// Whether to wait for input that is not there yet.
enum class Wait : std::uint8_t { no, yes };

// Reads a file or standard input through its descriptor, in blocks. Memory is bounded by the
// longest record allowed. A UTF-8 byte order mark at the start is dropped.
class RecordReader {
 public:
  static constexpr std::size_t kMaxRecordBytes = std::size_t{64} << 20;
  // A record that has not ended after so many bytes is not followed further: an input without line
  // ends, such as /dev/zero, would be read for ever.
  static constexpr std::size_t kMaxSkippedBytes = 16 * kMaxRecordBytes;

  enum class Status : std::uint8_t { record, end, not_ready };

  // "-": standard input. Throws Error not_found or io.
  RecordReader(const std::string& path, Framing framing,
               std::size_t max_record_bytes = kMaxRecordBytes,
               std::size_t max_skipped_bytes = kMaxSkippedBytes);
  ~RecordReader();
  RecordReader(const RecordReader&) = delete;
  RecordReader& operator=(const RecordReader&) = delete;

  // The next record; of JSON it may be blank. With Wait::no and no whole record to be had at once, not_ready: so that a
  // line from an open pipe is answered before the next one comes. Throws Error io, and too_long
  // where a record goes on for more than `max_skipped_bytes`; malformed where a JSON array lacks an element or its end.
  Status next(RawRecord& record, Wait wait);

  std::uint64_t bytes_read() const { return bytes_read_; }
  std::uint64_t bytes_total() const { return bytes_total_; }  // 0: not a regular file
  bool is_terminal() const;

 private:
  bool find_end();
  bool find_json_end();
  bool fill(Wait wait);
  void take(RawRecord& record, std::size_t end);
  void drop_scanned();

  std::string name_;
  int fd_;
  bool owned_;
  Framing framing_;
  std::size_t max_record_bytes_, max_skipped_bytes_;
  std::string buffer_;
  std::size_t begin_ = 0;  // of the current record in the buffer
  std::size_t scan_ = 0;   // first byte not yet looked at
  csv::State state_ = csv::State::field_start;
  JsonFraming json_;
  std::size_t line_ = 1;       // of begin_
  std::size_t line_ends_ = 0;  // inside the current record
  std::size_t dropped_ = 0;    // bytes of the current record that were dropped: it is too long
  bool at_start_ = true;
  bool eof_ = false;
  std::uint64_t bytes_read_ = 0, bytes_total_ = 0;
};

}  // namespace sapwood::cli
