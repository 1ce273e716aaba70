// Text from outside in messages: no escape sequence, and not too much of it.
#include "base/quote.h"

#include "base/error_place.h"
#include "catch.h"
#include "sapwood/error.h"
#include "sapwood/utf8.h"

using namespace sapwood;

TEST_CASE("quote: plain text stays, whatever its language") {
  CHECK(quote("config.json") == "'config.json'");
  CHECK(quote("Zürich 東京 👍🏽") == "'Zürich 東京 👍🏽'");
  CHECK(quote("") == "''");
}

TEST_CASE("quote: what could move a cursor, turn a line or hide text is spelled out") {
  CHECK(quote("a\x1b[31mb") == "'a\\x1b[31mb'");
  CHECK(quote("a\nb\tc\rd") == "'a\\nb\\tc\\x0dd'");
  CHECK(quote("\x7f") == "'\\x7f'");
  CHECK(quote("\xc2\x9b") == "'\\x9b'");        // U+009B, a one-character CSI
  CHECK(quote("\xe2\x80\xae") == "'\\u202e'");  // U+202E turns the direction
  CHECK(quote("\xe2\x80\xa8") == "'\\u2028'");  // U+2028 ends a line
  CHECK(quote("\xff\xc3") == "'\\xff\\xc3'");   // no UTF-8
  CHECK(quote(std::string("a\0b", 3)) == "'a\\x00b'");
}

TEST_CASE("quote: at most 200 characters are shown") {
  CHECK(quote(std::string(200, 'x')) == "'" + std::string(200, 'x') + "'");
  CHECK(quote(std::string(201, 'x')) == "'" + std::string(197, 'x') + "...'");
  std::string umlauts;
  for (int i = 0; i < 300; ++i) umlauts += "ü";
  CHECK(utf8::count(quote(umlauts)) == 202);
  CHECK(utf8::is_valid(quote(umlauts)));
}

TEST_CASE("What is shown of a text has a limit, and characters stay whole") {
  CHECK(printable(std::string(200, 'a')) == std::string(200, 'a'));
  CHECK(printable(std::string(201, 'a')) == std::string(197, 'a') + "...");
  std::string water;
  for (int i = 0; i < 200; ++i) water += "\xE6\xB0\xB4";
  CHECK(printable(water) == water);
  CHECK(printable(water + "x") == water.substr(0, 3 * 197) + "...");
  CHECK(printable(std::string(1000, '\x1b')).size() <= kShownCharacters);
  CHECK(printable("abcdef", 5) == "ab...");
}

TEST_CASE("Line ends are kept where they are wanted") {
  CHECK(printable("a\nb", 10) == "a\\nb");
  CHECK(printable("a\nb\x1b", 10, LineEnds::kept) == "a\nb\\x1b");
}

TEST_CASE("error: the place that a part does not know is put before its message, once") {
  const auto message = [](const std::string& what, std::string_view where) {
    try {
      placing(where, [&]() -> int { throw Error(ErrorCode::mismatch, what); });
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::mismatch);
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(message("two heads", "a/config.json") == "a/config.json: two heads");
  CHECK(message("a/config.json: heads: two", "a/config.json") == "a/config.json: heads: two");
  // Compared as it is shown.
  CHECK(message("a\x1b: heads", "a\x1b") == "a\\x1b: heads");
  CHECK(placing("a", [] { return 3; }) == 3);
}

TEST_CASE("error: no message carries an escape sequence, or the whole of a hostile file") {
  const Error error(ErrorCode::malformed,
                    "tensor '\x1b]0;owned\x07': " + std::string(1 << 20, 'x'));
  const std::string_view what = error.what();
  CHECK(what.size() <= Error::kMaxMessage);
  CHECK(what.find('\x1b') == what.npos);
  CHECK(what.find("\\x1b]0;owned\\x07") != what.npos);
  CHECK(what.ends_with("..."));
  CHECK(std::string_view(Error(ErrorCode::io, "one\ntwo").what()) == "one\ntwo");
  CHECK(utf8::is_valid(Error(ErrorCode::io, "\xff").what()));
}
