// Inputs in the forms that people have them in: JSON arrays, TSV, endings in capitals, headers and fields by other names.
#include <nlohmann/json.hpp>

#include "catch.h"
#include "csv.h"
#include "json_framing.h"
#include "process.h"
#include "record_reader.h"
#include "sapwood/error.h"

using namespace sapwood::test;
using namespace sapwood::cli;
using sapwood::Error;
using Json = nlohmann::json;

namespace {

std::vector<RawRecord> read_json_records(const std::string& bytes) {
  const TemporaryFolder folder;
  RecordReader reader(folder.write("in", bytes), Framing::json);
  std::vector<RawRecord> records;
  RawRecord record;
  while (reader.next(record, Wait::yes) == RecordReader::Status::record) {
    if (record.bytes.find_first_not_of(" \t\r\n") != std::string::npos) records.push_back(record);
  }
  return records;
}

std::vector<Json> values(const std::string& bytes) {
  std::vector<Json> list;
  for (const RawRecord& record : read_json_records(bytes))
    list.push_back(Json::parse(record.bytes));
  return list;
}

std::string refused(const std::string& bytes) {
  try {
    read_json_records(bytes);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

// The ids of each text that a file holds, tokenized by the program.
std::vector<Json> ids_of(const std::string& name, const std::string& bytes,
                         std::vector<std::string> more = {}) {
  const TemporaryFolder folder;
  std::vector<std::string> arguments{"tokenize", "-m", golden("distilbert-base"),
                                     "-q",       "-i", folder.write(name, bytes)};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Outcome outcome = run(arguments);
  INFO(outcome.err);
  CHECK(outcome.status == 0);
  std::vector<Json> ids;
  for (const std::string& line : lines_of(outcome.out)) ids.push_back(Json::parse(line)["ids"]);
  return ids;
}

Outcome read_file_of(const std::string& name, const std::string& bytes) {
  const TemporaryFolder folder;
  return run({"tokenize", "-m", golden("distilbert-base"), "-i", folder.write(name, bytes)});
}

}  // namespace

TEST_CASE("input forms: the elements of a JSON array are records, wherever its lines end") {
  CHECK(values(R"(["a", "b"])") == std::vector<Json>{"a", "b"});
  CHECK(values("[\n {\"text\": \"a, [b] {c}\"},\n\n {\"text\": \"\\\"]\"}\n]\n") ==
        std::vector<Json>{{{"text", "a, [b] {c}"}}, {{"text", "\"]"}}});
  CHECK(values("[]").empty());
  CHECK(values(" \n[ ]\n").empty());
  CHECK(values("").empty());
  CHECK(values("\xEF\xBB\xBF[\"a\"]") == std::vector<Json>{"a"});
  const std::string large(3 << 20, 'x');
  CHECK(values("[\"" + large + "\",[1,[2,3]],{\"a\":{\"b\":[]}}]") ==
        std::vector<Json>{large, {1, {2, 3}}, {{"a", {{"b", Json::array()}}}}});
}

TEST_CASE("input forms: values with line ends between them are records too") {
  CHECK(values("{\"a\": 1}\n{\"a\":\n 2}\n\"x\"") ==
        std::vector<Json>{{{"a", 1}}, {{"a", 2}}, "x"});
}

TEST_CASE("input forms: JSON records have the line on which their value begins") {
  const auto records = read_json_records("[\n\"a\",\n\n{\"text\":\n\"b\"}, \"c\"\n]");
  REQUIRE(records.size() == 3);
  CHECK(records[0].line == 2);
  CHECK(records[1].line == 4);
  CHECK(records[2].line == 5);
}

TEST_CASE("input forms: a JSON array that lacks an element or its end is refused") {
  CHECK_THAT(refused("[\"a\",,\"b\"]"), ContainsSubstring("line 1: expected a value before ','"));
  CHECK_THAT(refused("[\n\"a\",\n]"), ContainsSubstring("line 3: expected a value before ']'"));
  CHECK_THAT(refused("[,]"), ContainsSubstring("expected a value"));
  CHECK_THAT(refused("[\"a\""), ContainsSubstring("has no end"));
  CHECK_THAT(refused("["), ContainsSubstring("has no end"));
  CHECK_THAT(refused("[\"a"), ContainsSubstring("has no end"));
  CHECK_THAT(refused("[" + std::string(1'000'000, '[')), ContainsSubstring("has no end"));
}

TEST_CASE("input forms: fields of TSV are cut at tabs alone") {
  using Columns = std::vector<std::string>;
  CHECK(csv::parse_record("a, b\tc", '\t') == Columns{"a, b", "c"});
  CHECK(csv::parse_record("\"a\tb\"\t\"say \"\"no\"\"\"", '\t') == Columns{"a\tb", "say \"no\""});
}

TEST_CASE("input forms: every form gives the same texts") {
  const std::vector<Json> wanted = ids_of("a.txt", "a charming journey\ndull , bleak\n");
  REQUIRE(wanted.size() == 2);
  CHECK(ids_of("a.json", R"(["a charming journey", "dull , bleak"])") == wanted);
  CHECK(ids_of("b.json", "[{\"text\": \"a charming journey\"},\n{\"text\": \"dull , bleak\"}]") ==
        wanted);
  CHECK(ids_of("c.json", "{\"text\": \"a charming journey\"}\n{\"text\": \"dull , bleak\"}") ==
        wanted);
  CHECK(ids_of("a.tsv", "id\ttext\n0\ta charming journey\n1\tdull , bleak\n") == wanted);
  CHECK(ids_of("A.TSV", "id\tText\n0\ta charming journey\n1\tdull , bleak\n") == wanted);
  CHECK(ids_of("A.CSV", "label, TEXT \n0,a charming journey\n1,\"dull , bleak\"\n") == wanted);
  CHECK(ids_of("A.JSONL", "{\"text\": \"a charming journey\"}\n\"dull , bleak\"\n") == wanted);
  CHECK(ids_of("s.jsonl",
               "{\"sentence\": \"a charming journey\"}\n{\"sentence\": \"dull , bleak\"}\n",
               {"--field", "sentence"}) == wanted);
  CHECK(ids_of("s.csv", "text,Review\nx,a charming journey\ny,\"dull , bleak\"\n",
               {"--field", "review"}) == wanted);
  CHECK(
      ids_of("p.jsonl", "{\"a\": \"a charming journey\", \"b\": \"dull\"}\n", {"--field", "a,b"})[0]
          .size() > wanted[0].size());
}

TEST_CASE("input forms: a header's own name counts before one that differs in capitals") {
  CHECK(ids_of("a.csv", "Text,text\nx,dull\n") == ids_of("b.csv", "text\ndull\n"));
  const Outcome both = read_file_of("a.csv", "Text,TEXT\na,b\n");
  CHECK(both.status == 1);
  CHECK_THAT(both.err, ContainsSubstring("more than once"));
}

TEST_CASE("input forms: what cannot be read is said with what to do") {
  const Outcome packed = read_file_of("a.jsonl.gz", "\x1f\x8b");
  CHECK(packed.status == 2);
  CHECK_THAT(packed.err, ContainsSubstring("is compressed") && ContainsSubstring("gzip -dc"));
  const Outcome table = read_file_of("a.parquet", "PAR1");
  CHECK(table.status == 2);
  CHECK_THAT(table.err, ContainsSubstring(".parquet"));
  const Outcome field = read_file_of("a.jsonl", "{\"sentence\": \"a\"}\n");
  CHECK(field.status == 1);
  CHECK_THAT(field.out, ContainsSubstring("--field names another one"));
  const Outcome column = read_file_of("a.tsv", "id\tsentence\n");
  CHECK(column.status == 1);
  CHECK_THAT(column.err, ContainsSubstring("TSV") && ContainsSubstring("--field"));
  const TemporaryFolder folder;
  const Outcome many = run({"embed", "-m", golden("distilbert-base"), "--field", "a,b,c", "-i",
                            folder.write("a.jsonl", "")});
  CHECK(many.status == 2);
  CHECK_THAT(many.err, ContainsSubstring("--field names 3 fields"));
  // Inputs without fields.
  const std::vector<std::string> named{"tokenize", "-m", golden("distilbert-base"), "--field", "a"};
  for (const std::vector<std::string>& inputs :
       {std::vector<std::string>{"a text"}, {"-i", folder.write("a.txt", "a text\n")}}) {
    std::vector<std::string> arguments = named;
    arguments.insert(arguments.end(), inputs.begin(), inputs.end());
    const Outcome none = run(arguments);
    CHECK(none.status == 2);
    CHECK_THAT(none.err, ContainsSubstring("have none: leave it out"));
  }
}

TEST_CASE("input forms: UTF-16 is said, whatever the form") {
  for (const char* name : {"a.txt", "a.jsonl", "a.json", "a.csv", "a.tsv"}) {
    INFO(name);
    for (const std::string& mark : {std::string("\xFF\xFEt\0", 4), std::string("\xFE\xFF\0t", 4)}) {
      const Outcome outcome = read_file_of(name, mark + "\n");
      CHECK(outcome.status == 1);
      CHECK(outcome.out.empty());
      CHECK_THAT(outcome.err, ContainsSubstring(std::string(name) + ": it begins with the byte "
                                                                    "order mark of UTF-16") &&
                                  ContainsSubstring("iconv"));
    }
  }
}

TEST_CASE("fill-mask takes the words that a mask is filled with") {
  const std::string model = golden("distilbert-mlm");
  const auto fills = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments{"fill-mask", "-m", model, "--format", "jsonl"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.push_back("the [MASK] of wood");
    return run(arguments);
  };
  const Outcome all = fills({"-q", "--top-k", "400"});
  REQUIRE(all.status == 0);
  const Json every = Json::parse(all.out);
  // Three words that a list can hold, the best one in the middle.
  std::vector<Json> usable;
  for (const Json& one : every) {
    if (one["token_str"].get<std::string>().find_first_of(", ") == std::string::npos) {
      usable.push_back(one);
    }
  }
  REQUIRE(usable.size() > 30);
  const auto word = [&](std::size_t place) {
    return usable[place]["token_str"].get<std::string>();
  };
  const Outcome some = fills({"--targets", word(30) + "," + word(3) + "," + word(17)});
  REQUIRE(some.status == 0);
  CHECK(Json::parse(some.out) == Json::array({usable[3], usable[17], usable[30]}));
  const Outcome best = fills({"--top-k", "1", "--targets", word(30) + "," + word(17)});
  CHECK(Json::parse(best.out) == Json::array({usable[17]}));
  const Outcome pieces = fills({"--targets", "qqqqqqqq"});
  CHECK(pieces.status == 0);
  CHECK_THAT(pieces.err, ContainsSubstring("'qqqqqqqq' is no token of the vocabulary"));
  const Outcome none = fills({"--targets", " "});
  CHECK(none.status == 1);
  CHECK_THAT(none.err, ContainsSubstring("no token for it"));
}
