#include "printable.h"

#include "catch.h"

using namespace sapwood::cli;

TEST_CASE("Text that could steer a terminal is shown as escapes, all else as it is") {
  CHECK(printable("plain text, caf\xC3\xA9 \xE6\xB0\xB4 \xF0\x9F\x8C\xB3") ==
        "plain text, caf\xC3\xA9 \xE6\xB0\xB4 \xF0\x9F\x8C\xB3");
  CHECK(printable("a\nb\tc\r\x1b[0m\x7f") == "a\\nb\\tc\\x0d\\x1b[0m\\x7f");
  CHECK(printable(std::string_view("\0", 1)) == "\\x00");
  CHECK(printable("\xC2\x9B"
                  "31m") == "\\x9b31m");  // CSI of C1
  CHECK(printable("\xE2\x80\xAE"
                  "gpj.exe\xE2\x80\xA8") == "\\u202egpj.exe\\u2028");  // turned, line end
  CHECK(printable("\xFF\xC3(\xE2\x80") == "\\xff\\xc3(\\xe2\\x80");    // not UTF-8
  CHECK(printable("").empty());
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
