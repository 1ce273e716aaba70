// Inputs of the command line. The first byte chooses the format; what follows is the file, read as a whole, and again by a
// slow reader that takes one character after the other.
#include <sys/mman.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "records.h"
#include "sapwood/utf8.h"
#include "target.h"

namespace sapwood::fuzz {
namespace {

using namespace cli;
using Fields = std::optional<std::vector<std::string>>;  // nothing: the record is refused

// A file that is only in memory.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    require(fd_ >= 0, "memfd_create failed");
    require(::write(fd_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()),
            "write failed");
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(fd_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

bool is_blank(std::string_view record) {
  return record.find_first_not_of(" \t\r\n") == record.npos;
}

std::vector<RawRecord> read_all(const std::string& path, Framing framing, std::size_t most) {
  RecordReader reader(path, framing, most, 16 * most);
  std::vector<RawRecord> records;
  for (RawRecord record; reader.next(record, Wait::yes) == RecordReader::Status::record;) {
    require(!record.oversized || record.bytes.empty(), "bytes of a record that is too long");
    require(record.bytes.size() <= most, "a record beyond its limit");
    records.push_back(record);
  }
  return records;
}

// The fields of the record that begins at `at`, which moves behind its line end.
Fields slow_record(std::string_view text, std::size_t& at, char separator) {
  std::vector<std::string> fields;
  bool wrong = false;
  for (bool more = true; more;) {
    std::string field;
    bool quoted = false;
    if (at < text.size() && text[at] == '"') {
      quoted = true;
      for (++at; at < text.size(); ++at) {
        if (text[at] != '"') {
          field += text[at];
        } else if (at + 1 < text.size() && text[at + 1] == '"') {
          field += text[at++];
        } else {
          break;
        }
      }
      wrong = wrong || at == text.size();
      if (at < text.size()) ++at;
    }
    std::string rest;
    while (at < text.size() && text[at] != separator && text[at] != '\n') rest += text[at++];
    more = at < text.size() && text[at] == separator;
    if (!more && rest.ends_with('\r')) rest.pop_back();
    wrong = wrong || (quoted && !rest.empty());
    fields.push_back(field + rest);
    if (at < text.size()) ++at;
  }
  return wrong ? std::nullopt : Fields(std::move(fields));
}

void compare_table(const std::vector<RawRecord>& records, std::string_view text, char separator) {
  std::size_t at = 0;
  for (const RawRecord& record : records) {
    require(at < text.size(), "a record where the text has ended");
    const std::size_t line = 1 + std::count(text.begin(), text.begin() + at, '\n');
    require(record.line == line, "another line");
    const Fields slow = slow_record(text, at, separator);
    Fields fast;
    accepted([&] { fast = csv::parse_record(record.bytes, separator); });
    require(fast == slow, "other fields");
    if (!fast) continue;
    std::string written;
    csv::append_record(written, *fast);
    written.pop_back();
    require(csv::parse_record(written) == *fast, "fields that change when they are written");
  }
  require(at == text.size(), "the text goes on");
}

void compare_lines(const std::vector<RawRecord>& records, std::string_view text) {
  for (const RawRecord& record : records) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    require(line == record.bytes, "another line");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  require(text.empty(), "lines that are left");
}

// Of an input that is a whole JSON array, the records are its elements.
void compare_array(const std::vector<RawRecord>& records, std::string_view text) {
  if (text.find('\0') != text.npos) return;  // the other library's end of a text
  const auto array = nlohmann::json::parse(text, nullptr, false);
  if (!array.is_array()) return;
  std::size_t next = 0;
  for (const RawRecord& record : records) {
    if (is_blank(record.bytes)) continue;
    require(next < array.size(), "more records than elements");
    const auto element = nlohmann::json::parse(record.bytes, nullptr, false);
    require(element == array[next++], "another element");
  }
  require(next == array.size(), "fewer records than elements");
}

void compare(InputFormat format, const std::string& path, std::string_view text) {
  constexpr std::size_t kMost = 1 << 20;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  switch (format) {
    case InputFormat::csv:
      return compare_table(read_all(path, Framing::csv, kMost), text, ',');
    case InputFormat::tsv:
      return compare_table(read_all(path, Framing::tsv, kMost), text, '\t');
    case InputFormat::json:
      return compare_array(read_all(path, Framing::json, kMost), text);
    case InputFormat::jsonl:
    case InputFormat::text:
      return compare_lines(read_all(path, Framing::lines, kMost), text);
  }
}

Schema schema_of(unsigned choice) {
  Schema schema;
  if (choice % 4 == 1) schema.second = "pair";
  if (choice % 4 == 2) {
    schema.second = "texts";
    schema.second_required = schema.second_is_list = true;
  }
  if (choice % 4 == 3) schema.first_is_ids = true;
  return schema;
}

void read_records(std::string_view input) {
  if (input.empty()) return;
  const auto choice = static_cast<unsigned char>(input[0]);
  const auto format = static_cast<InputFormat>(choice % 5);
  const std::string_view text = input.substr(1);
  const MemoryFile file(text);
  accepted([&] { compare(format, file.path(), text); });
  if (input.size() % 4 == 0) {
    accepted([&] {
      read_all(file.path(), format == InputFormat::csv ? Framing::csv : Framing::json, 10);
    });
    return;
  }
  accepted([&] {
    RecordSource source(file.path(), format, schema_of(choice / 5u));
    for (std::vector<Item> items; source.next_chunk(items, {.records = 3});) {
      for (const Item& item : items) {
        require(item.number > 0, "a record without a line");
        if (!item.record.has_value()) check_error(item.record.error());
      }
    }
  });
}

const Registration kRecordsTarget({"records", read_records});

}  // namespace
}  // namespace sapwood::fuzz
