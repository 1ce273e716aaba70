#include "record_reader.h"

#include <random>

#include "catch.h"
#include "process.h"
#include "sapwood/error.h"

using namespace sapwood::cli;
using sapwood::test::TemporaryFolder;
using Status = RecordReader::Status;

namespace {

std::vector<RawRecord> read_all(const std::string& bytes, Framing framing,
                                std::size_t limit = RecordReader::kMaxRecordBytes) {
  const TemporaryFolder folder;
  RecordReader reader(folder.write("in", bytes), framing, limit);
  std::vector<RawRecord> records;
  RawRecord record;
  while (reader.next(record, Wait::yes) == Status::record) records.push_back(record);
  return records;
}

std::vector<std::string> texts(const std::vector<RawRecord>& records) {
  std::vector<std::string> list;
  for (const RawRecord& record : records) list.push_back(record.bytes);
  return list;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("Large records lie between others") {
  const std::string large(3 << 20, 'x'), larger(5 << 20, 'y');
  CHECK(texts(read_all("a\n" + large + "\r\nb\n" + larger + "\n" + large, Framing::lines)) ==
        Texts{"a", large, "b", larger, large});
}

TEST_CASE("Lines end at LF or CRLF, and the last needs no end") {
  CHECK(texts(read_all("a\nb\r\n\nc", Framing::lines)) == Texts{"a", "b", "", "c"});
  CHECK(texts(read_all("a\n", Framing::lines)) == Texts{"a"});
  CHECK(texts(read_all("\n", Framing::lines)) == Texts{""});
  CHECK(read_all("", Framing::lines).empty());
}

TEST_CASE("A byte order mark is not part of the first record") {
  CHECK(texts(read_all("\xEF\xBB\xBF"
                       "a\nb\n",
                       Framing::lines)) == Texts{"a", "b"});
  CHECK(texts(read_all("\xEF\xBB", Framing::lines)) == Texts{"\xEF\xBB"});
  CHECK(read_all("\xEF\xBB\xBF", Framing::lines).empty());
}

TEST_CASE("Quoted line ends do not end a CSV record, and lines are counted on") {
  const auto records = read_all("x\n\"a\nb\",\"\"\"\n\"\nc\n", Framing::csv);
  REQUIRE(texts(records) == Texts{"x", "\"a\nb\",\"\"\"\n\"", "c"});
  CHECK(records[1].line == 2);
  CHECK(records[2].line == 5);
}

TEST_CASE("A record over the limit is reported and the next one is whole") {
  for (const std::size_t size : {11U, 70'000U, 1'000'000U}) {
    const auto records = read_all(
        "ok\n" + std::string(size, 'x') + "\nnext\n" + std::string(size, 'y'), Framing::lines, 10);
    REQUIRE(records.size() == 4);
    CHECK(records[0].bytes == "ok");
    CHECK(records[1].oversized);
    CHECK(records[2].bytes == "next");
    CHECK_FALSE(records[2].oversized);
    CHECK(records[2].line == 3);
    CHECK(records[3].oversized);
  }
  CHECK_FALSE(read_all(std::string(10, 'x') + "\n", Framing::lines, 10)[0].oversized);
}

TEST_CASE("A record that does not end is given up") {
  for (const Framing framing : {Framing::lines, Framing::csv}) {
    RecordReader reader("/dev/zero", framing, 1000, 500'000);
    RawRecord record;
    try {
      reader.next(record, Wait::yes);
      FAIL("/dev/zero has ended");
    } catch (const sapwood::Error& error) {
      CHECK(error.code() == sapwood::ErrorCode::too_long);
      CHECK_THAT(error.what(), ContainsSubstring("/dev/zero: line 1 has not ended"));
    }
    CHECK(reader.bytes_read() > 500'000);
    CHECK(reader.bytes_read() < 1'000'000);
  }
}

TEST_CASE("Block boundaries do not show") {
  std::mt19937 random(1);
  std::string bytes;
  Texts expected;
  while (bytes.size() < 400'000) {
    expected.emplace_back(random() % 5000, static_cast<char>('a' + random() % 26));
    bytes += expected.back() + (random() % 2 == 0 ? "\n" : "\r\n");
  }
  CHECK(texts(read_all(bytes, Framing::lines)) == expected);
  CHECK(texts(read_all(bytes, Framing::csv)) == expected);
}

TEST_CASE("What cannot be read is an error that names it") {
  CHECK_THROWS_AS(RecordReader("/no/such/file", Framing::lines), sapwood::Error);
  RecordReader folder("/tmp", Framing::lines);
  RawRecord record;
  CHECK_THROWS_AS(folder.next(record, Wait::yes), sapwood::Error);
}
