#include "regex.h"

#include <string>
#include <vector>

#include "catch.h"

using sapwood::Match;
using sapwood::Pattern;

TEST_CASE("a long text is searched as a short one is") {
  const std::string unit = "aab  é x1 ab\u0301c   中文 -- '' end\n";
  std::string text;
  while (text.size() < 100'000) text += unit;
  for (const char* pattern : {" {2,}", "[^\\x00-\\x7F]+", "a|b|end", "(a+)b", "^.", "\\s+",
                              "(?i)E(ND)?", "(?<=a)b", "x*", "\\p{M}", "$"}) {
    CAPTURE(pattern);
    const Pattern regex = Pattern::regex(pattern, "test");
    std::vector<Match> once, twice, all;
    regex.find_all(unit, once);
    regex.find_all(unit + unit, twice);
    regex.find_all(text, all);
    REQUIRE(twice.size() > once.size());
    const std::size_t per_unit = twice.size() - once.size(), units = text.size() / unit.size();
    CHECK(all.size() == once.size() + (units - 1) * per_unit);
    // From the second unit on, every unit looks like the one before.
    for (std::size_t i = 2 * per_unit; i + per_unit < all.size(); ++i) {
      if (all[i].begin == all[i - per_unit].begin + unit.size()) continue;
      CHECK(all[i].begin == all[i - per_unit].begin + unit.size());
      break;
    }
  }
}

TEST_CASE("empty matches are taken once, and not right after a match") {
  std::vector<Match> matches;
  Pattern::regex("x*", "test").find_all("axxb", matches);
  REQUIRE(matches.size() == 3);
  CHECK(matches[0].end == 0);
  CHECK(matches[1].begin == 1);
  CHECK(matches[1].end == 3);
  CHECK(matches[2].begin == 4);
  Pattern::literal("").find_all("aé", matches);
  CHECK(matches.size() == 3);
}
