#include "csv.h"

#include "catch.h"
#include "sapwood/error.h"

using namespace sapwood::cli;
using Fields = std::vector<std::string>;

TEST_CASE("CSV fields are cut at commas outside quotes") {
  CHECK(csv::parse_record("a,b,c") == Fields{"a", "b", "c"});
  CHECK(csv::parse_record("") == Fields{""});
  CHECK(csv::parse_record(",") == Fields{"", ""});
  CHECK(csv::parse_record("\"a,b\",c") == Fields{"a,b", "c"});
  CHECK(csv::parse_record("\"he said \"\"no\"\"\",\"\"") == Fields{"he said \"no\"", ""});
  CHECK(csv::parse_record("\"two\nlines\",x") == Fields{"two\nlines", "x"});
  // A quote inside a plain field is a character like any other.
  CHECK(csv::parse_record("5\" disk,b") == Fields{"5\" disk", "b"});
}

TEST_CASE("CSV quoting that breaks RFC 4180 is an error, not a guess") {
  CHECK_THROWS_AS(csv::parse_record("\"open"), sapwood::Error);
  CHECK_THROWS_AS(csv::parse_record("\"closed\" and on,b"), sapwood::Error);
}

TEST_CASE("CSV writes what it reads") {
  for (const Fields& fields : {Fields{"plain", "with,comma", "with \"quotes\"", "two\nlines", ""},
                               Fields{"\r", " leading"}, Fields{"\"", ","}}) {
    std::string line;
    csv::append_record(line, fields);
    REQUIRE(line.back() == '\n');
    line.pop_back();
    CHECK(csv::parse_record(line) == fields);
  }
}
