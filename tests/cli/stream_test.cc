// Order, bad inputs, answers in time, bounded memory.
#include <sys/resource.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "catch.h"
#include "process.h"
#include "sanitizer.h"

using namespace sapwood::test;
using Json = nlohmann::json;

namespace {

constexpr const char* kMemory = "a measure of memory, because it keeps what is freed";

const char* const kModel = "distilbert-sentiment-f16";

Outcome classify(const std::string& input, std::vector<std::string> more = {}) {
  std::vector<std::string> arguments{"classify", "-m", golden(kModel)};
  arguments.insert(arguments.end(), more.begin(), more.end());
  RunOptions options;
  options.input = input;
  return run(arguments, options);
}

}  // namespace

TEST_CASE("An open pipe gets its answer before the next line") {
  CoProcess process({"classify", "-m", golden(kModel)});
  for (const char* text : {"a charming journey\n", "bleak and desperate\n", "\n"}) {
    process.send(text);
    const std::string line = process.read_line();
    REQUIRE_FALSE(line.empty());
    CHECK(Json::parse(line).contains("label"));
  }
  process.send("no line end");
  CHECK(process.finish() == 0);
}

TEST_CASE("A bad line is an error in its place and the rest goes on") {
  const Outcome outcome = classify(
      "{\"text\":\"good\"}\nnot "
      "json\n{\"text\":\"\xFF\"}\n{\"txt\":1}\n\n{\"text\":\"two\\nlines\"}\n",
      {"--input-format", "jsonl"});
  CHECK(outcome.status == 1);
  const auto lines = lines_of(outcome.out);
  REQUIRE(lines.size() == 5);  // the blank line is none
  CHECK(Json::parse(lines[0]).contains("label"));
  CHECK(Json::parse(lines[1])["error"]["code"] == "malformed");
  CHECK_THAT(Json::parse(lines[1])["error"]["message"].get<std::string>(),
             ContainsSubstring("line 2"));
  CHECK(Json::parse(lines[2])["error"]["code"] == "invalid_utf8");
  CHECK(Json::parse(lines[3])["error"]["code"] == "malformed");
  CHECK(Json::parse(lines[4]).contains("label"));
  CHECK_THAT(outcome.err, ContainsSubstring("3 of 5"));
}

TEST_CASE("Text that is not UTF-8 is an error wherever it comes from") {
  const Outcome text = classify("good\nbad \xC3(\n\ngood\n");
  CHECK(text.status == 1);
  const auto lines = lines_of(text.out);
  REQUIRE(lines.size() == 4);  // an empty line of text is an empty text
  CHECK(Json::parse(lines[1])["error"]["code"] == "invalid_utf8");
  CHECK(lines[0] == lines[3]);
  CHECK(Json::parse(lines[2]).contains("label"));
  const Outcome argument = run({"classify", "-m", golden(kModel), "\xFF"});
  CHECK(argument.status == 1);
  CHECK(Json::parse(argument.out)["error"]["code"] == "invalid_utf8");
  const Outcome csv = classify("text\ngood\n\xFF\n\"open", {"--input-format", "csv"});
  CHECK(csv.status == 1);
  const auto records = lines_of(csv.out);
  REQUIRE(records.size() == 3);
  CHECK(Json::parse(records[1])["error"]["code"] == "invalid_utf8");
  CHECK(Json::parse(records[2])["error"]["code"] == "malformed");
  CHECK(classify("no,such,column\na,b,c\n", {"--input-format", "csv"}).status == 1);
}

TEST_CASE("What is cut is said, or refused") {
  std::string lengthy;
  for (int i = 0; i < 200; ++i) lengthy += "journey ";
  const Outcome cut = classify("short\n" + lengthy + "\n");
  CHECK(cut.status == 0);
  const auto lines = lines_of(cut.out);
  REQUIRE(lines.size() == 2);
  CHECK_FALSE(Json::parse(lines[0]).contains("truncated"));
  CHECK(Json::parse(lines[1])["truncated"] == true);
  CHECK_THAT(cut.err, ContainsSubstring("1 of 2 inputs were longer than 64 tokens"));
  CHECK(classify(lengthy, {"-q"}).err.empty());
  const Outcome refused = classify("short\n" + lengthy + "\n", {"--truncate", "none"});
  CHECK(refused.status == 1);
  CHECK(Json::parse(lines_of(refused.out).at(1))["error"]["code"] == "too_long");
}

TEST_CASE("Other formats carry the same answers") {
  const std::string input = "a charming journey\n\xFF\nbleak, \"and\" desperate\n";
  const Json array = Json::parse(classify(input, {"--format", "json"}).out);
  REQUIRE(array.size() == 3);
  CHECK(array[1].contains("error"));
  CHECK(Json::parse(classify("", {"--format", "json"}).out) == Json::array());
  CHECK(classify("").out.empty());
  const auto csv = lines_of(classify(input, {"--format", "csv"}).out);
  REQUIRE(csv.size() == 4);
  CHECK(csv[0] == "input,label,score,error");
  CHECK(csv[1] ==
        "1," + array[0]["label"].get<std::string>() + "," + array[0]["score"].dump() + ",");
  CHECK(csv[2].rfind("2,,,", 0) == 0);
  const std::string table = classify("a \x1b[31mred\x07 text\n", {"--format", "table"}).out;
  CHECK_THAT(table, ContainsSubstring("LABEL"));
  CHECK(table.find('\x1b') == std::string::npos);  // nothing of the input controls the terminal
  const TemporaryFolder folder;
  const std::string file = folder.path("out.csv");
  CHECK(classify(input, {"-o", file}).out.empty());
  CHECK(read_file(file) == classify(input, {"--format", "csv"}).out);
}

TEST_CASE("Files are read by their extension, - is standard input") {
  const TemporaryFolder folder;
  const std::string jsonl = folder.write("in.jsonl", "{\"text\":\"journey\"}\n");
  const std::string csv = folder.write("in.csv", "id,text\r\n7,journey\r\n");
  const std::string text = folder.write("in.txt", "\xEF\xBB\xBFjourney\r\n");
  const std::string wanted = classify("", {"journey"}).out;
  CHECK(classify("", {"-i", jsonl}).out == wanted);
  CHECK(classify("", {"-i", csv}).out == wanted);
  CHECK(classify("", {"-i", text}).out == wanted);
  CHECK(classify("journey\n", {"-i", "-"}).out == wanted);
  CHECK(classify("journey\n", {"-"}).out == wanted);
}

TEST_CASE("Answers keep the input's order and do not depend on the batch") {
  std::string input;
  std::vector<std::string> alone;
  const std::vector<std::string> texts{"a journey", "bleak", "water carries the tree and the leaf",
                                       ""};
  for (const std::string& text : texts) alone.push_back(lines_of(classify(text + "\n").out).at(0));
  for (int i = 0; i < 3000; ++i) input += texts[static_cast<std::size_t>(i * 7 % 4)] + "\n";
  const auto lines = lines_of(classify(input).out);
  REQUIRE(lines.size() == 3000);
  std::size_t wrong = 0;
  for (int i = 0; i < 3000; ++i) {
    wrong += lines[static_cast<std::size_t>(i)] != alone[static_cast<std::size_t>(i * 7 % 4)];
  }
  CHECK(wrong == 0);
}

TEST_CASE("An input without line ends ends the run, in bounded memory") {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"classify", "-m", golden(kModel), "-i", "/dev/zero"},
        {"tokenize", "-m", golden(kModel), "-i", "/dev/zero", "--input-format", "csv"},
        {"eval", "--task", "mlm", "-m", golden("distilbert-mlm"), "/dev/zero"},
        {"bench", "-m", golden("distilbert-base"), "--lengths", "/dev/zero"}}) {
    RunOptions options;
    // Two thirds of a gibibyte: a record of 64 MiB, the model and the program.
    if (!sanitized("a limit on memory, because it reserves terabytes")) {
      options.prepare = [] { limit(RLIMIT_DATA, std::size_t{640} << 20); };
    }
    const Outcome outcome = run(arguments, options);
    INFO(arguments[0] << ' ' << outcome.err);
    CHECK(outcome.status == 1);
    CHECK_THAT(outcome.err, ContainsSubstring("/dev/zero: line 1 has not ended after"));
  }
}

TEST_CASE("Inputs that are no regular files are read") {
  const std::string wanted = classify("", {"journey"}).out;
  CHECK(classify("journey\n", {"-i", "/dev/stdin"}).out == wanted);
  CHECK(classify("journey\n", {"-i", "/dev/fd/0"}).out == wanted);
  CHECK(classify("journey\n", {"-i", "/proc/self/fd/0"}).out == wanted);
  CHECK(classify("", {"-i", "/dev/null"}).status == 0);
}

TEST_CASE("A CSV header that names a column twice is refused") {
  for (const char* header : {"text,text", "text,text_pair,text_pair", "id,text,x,text"}) {
    const Outcome outcome =
        classify(std::string(header) + "\na,b,c,d\n", {"--input-format", "csv"});
    CHECK(outcome.status == 1);
    CHECK(outcome.out.empty());
    CHECK_THAT(outcome.err, ContainsSubstring("more than once"));
    CHECK_THAT(outcome.err, ContainsSubstring(header));
  }
  // Columns that the task does not read may be called what they like.
  CHECK(classify("id,,text,,id\n1,2,journey,3,4\n", {"--input-format", "csv"}).status == 0);
}

TEST_CASE("Memory for one line of JSON is bounded, whatever is in it") {
  constexpr std::size_t kBytes = std::size_t{60} << 20;
  // What is repeated in an unknown field, and whether the line is read.
  const std::tuple<std::string, std::string, std::string, bool> lines[] = {
      {"[", "1,", "1]", false},
      {"[", "[],", "1]", false},
      {"{\"k\":1", ",\"key\":1", "}", false},
      {"[", "\"" + std::string(70, 'x') + "\",", "1]", true},
      {"\"", "x", "\"", true},
      {"\"", "\\n", "\"", true}};
  const TemporaryFolder folder;
  for (const auto& [begin, unit, end, read] : lines) {
    std::string line = "{\"text\":\"a\",\"x\":" + begin;
    while (line.size() < kBytes) line += unit;
    const std::string file = folder.write("in.jsonl", line + end + "}\n{\"text\":\"b\"}\n");
    CoProcess process({"tokenize", "-m", golden(kModel), "-i", file});
    const auto first = Json::parse(process.read_line()), second = Json::parse(process.read_line());
    INFO(unit.substr(0, 10));
    CHECK(first.contains(read ? "ids" : "error"));
    if (!read) {
      CHECK(first["error"]["message"] ==
            "line 1: expected at most 1048576 values in one JSON text, found more");
    }
    CHECK(second.contains("ids"));
    CHECK(process.finish() == (read ? 0 : 1));
    if (!sanitized(kMemory)) CHECK(process.peak_bytes() < 4 * kBytes);
  }
}

TEST_CASE("Memory does not grow with the input") {
  std::string block;
  while (block.size() < (std::size_t{1} << 20)) {
    for (int i = 0; i < 200; ++i) block += "journey ";
    block += '\n';
  }
  const TemporaryFolder folder;
  const auto peak = [&](int blocks) {
    CoProcess process({"tokenize", "-q", "-m", golden(kModel), "--max-length", "8", "-o",
                       folder.path("out.jsonl")});
    for (int i = 0; i < blocks; ++i) process.send(block);
    REQUIRE(process.finish() == 0);
    return process.peak_bytes();
  };
  const std::size_t little = peak(4), much = peak(64);
  CHECK(read_file(folder.path("out.jsonl")).size() > (std::size_t{2} << 20));
  // Sixty megabytes more of input, and the allocator's whims.
  if (!sanitized(kMemory)) CHECK(much < little + (std::size_t{12} << 20));
}
