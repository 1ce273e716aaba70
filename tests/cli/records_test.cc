#include "records.h"

#include "catch.h"
#include "sapwood/error.h"

using namespace sapwood::cli;
using sapwood::Error;
using sapwood::ErrorCode;

namespace {

const Schema kText{"text", "text_pair", false, false, false, {}, {}};
const Schema kQuestion{"question", "context", true, false, false, {}, {}};
const Schema kRerank{"query", "texts", true, true, false, {}, {}};

ErrorCode json_error(const std::string& line, const Schema& schema) {
  try {
    parse_json_record(line, schema, "line 1");
  } catch (const Error& error) {
    return error.code();
  }
  FAIL("accepted: " + line);
  return {};
}

}  // namespace

TEST_CASE("JSON records carry any string") {
  const Record record =
      parse_json_record(R"({"text":"two\nlines \u00e9 \ud83d\ude42","x":1})", kText, "");
  CHECK(record.first == "two\nlines \xC3\xA9 \xF0\x9F\x99\x82");
  CHECK_FALSE(record.second);
  CHECK(parse_json_record(R"({"text":"a","text_pair":"b"})", kText, "").second == "b");
  CHECK_FALSE(parse_json_record(R"({"text":"a","text_pair":null})", kText, "").second);
  CHECK(parse_json_record(R"("bare")", kText, "").first == "bare");
  CHECK(parse_json_record(R"({"query":"q","texts":["a","b"]})", kRerank, "").list.size() == 2);
}

TEST_CASE("Records that are not what the task reads are typed errors") {
  CHECK(json_error("{", kText) == ErrorCode::malformed);
  CHECK(json_error("", kText) == ErrorCode::malformed);
  CHECK(json_error("[]", kText) == ErrorCode::malformed);
  CHECK(json_error("{}", kText) == ErrorCode::malformed);
  CHECK(json_error(R"({"text":1})", kText) == ErrorCode::malformed);
  CHECK(json_error(R"({"text":null})", kText) == ErrorCode::malformed);
  CHECK(json_error(R"({"text":"a"} x)", kText) == ErrorCode::malformed);
  CHECK(json_error(R"({"text":"\ud800"})", kText) == ErrorCode::malformed);
  CHECK(json_error(R"({"text":"a","text":"b"})", kText) == ErrorCode::malformed);
  CHECK(json_error(R"({"text":"a","x":{"y":1,"y":2}})", kText) == ErrorCode::malformed);
  CHECK(json_error("{\"text\":\"\xFF\"}", kText) == ErrorCode::invalid_utf8);
  CHECK(json_error(std::string(100'000, '['), kText) == ErrorCode::malformed);
  CHECK(json_error(R"({"question":"a"})", kQuestion) == ErrorCode::malformed);
  CHECK(json_error(R"("bare")", kQuestion) == ErrorCode::malformed);
  CHECK(json_error(R"({"query":"q","texts":"a"})", kRerank) == ErrorCode::malformed);
  CHECK(json_error(R"({"query":"q","texts":["a",1]})", kRerank) == ErrorCode::malformed);
}

TEST_CASE("Messages about JSON records name the input and the field") {
  const auto message = [](const std::string& line, const Schema& schema) -> std::string {
    try {
      parse_json_record(line, schema, "line 3");
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  };
  CHECK(message(R"({"text":1})", kText) == "line 3: text: expected a string, found 1");
  CHECK(message(R"({"query":"q","texts":["a",1]})", kRerank) ==
        "line 3: texts[1]: expected a string, found 1");
  CHECK(message(R"({"text":"a","text":"b"})", kText) == "line 3: text: the key is given twice");
  CHECK_THAT(message(R"({"text" "a"})", kText),
             StartsWith("line 3: not valid JSON, near column 9"));
  CHECK_THAT(message("tru", kText), StartsWith("line 3: not valid JSON, near column 1"));
}

TEST_CASE("Fields that no task reads are passed over, up to a limit") {
  const auto line = [](int values) {
    std::string text = R"({"text":"a","x":[0)";
    for (int i = 1; i < values; ++i) text += ",0";
    return text + "]}";
  };
  CHECK(parse_json_record(R"({"n":1e999,"o":{"text":3},"text":"a","p":null})", kText, "").first ==
        "a");
  // The object, the text and the list are values too.
  const int most = static_cast<int>(kRecordJson.values) - 3;
  CHECK(parse_json_record(line(most), kText, "").first == "a");
  CHECK(json_error(line(most + 1), kText) == ErrorCode::malformed);
}

TEST_CASE("Fields given as options fill what an input leaves out") {
  Schema schema = kQuestion;
  schema.fixed_first = "who?";
  CHECK(parse_text_record("the context", schema).first == "who?");
  CHECK(parse_text_record("the context", schema).second == "the context");
  CHECK(parse_json_record(R"({"question":"own","context":"c"})", schema, "").first == "own");
  schema.fixed_first.reset();
  schema.fixed_second = "the context";
  CHECK(parse_text_record("who?", schema).first == "who?");
}

TEST_CASE("CSV records need the header's columns") {
  const std::vector<std::string> header{"id", "text", "text_pair"};
  const Record record = parse_csv_record(header, {"1", "a", "b"}, kText);
  CHECK(record.first == "a");
  CHECK(record.second == "b");
  CHECK_THROWS_AS(parse_csv_record(header, {"1", "a"}, kText), Error);
}
