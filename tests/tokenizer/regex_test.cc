#include "regex.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "regex_guard.h"
#include "small_vocab.h"

using sapwood::ErrorCode;
using sapwood::Match;
using sapwood::Pattern;
using sapwood::SearchTime;
using sapwood::test::error_of;
using sapwood::test::mentions;

namespace {

std::vector<Match> find_all(const Pattern& pattern, const std::string& text) {
  SearchTime time(text.size());
  std::vector<Match> matches;
  pattern.find_all(text, time, matches);
  return matches;
}

}  // namespace

TEST_CASE("a long text is searched as a short one is") {
  const std::string unit = "aab  é x1 ab\u0301c   中文 -- '' end\n";
  std::string text;
  while (text.size() < 100'000) text += unit;
  for (const char* pattern : {" {2,}", "[^\\x00-\\x7F]+", "a|b|end", "(a+)b", "^.", "\\s+",
                              "(?i)E(ND)?", "(?<=a)b", "x*", "\\p{M}", "$"}) {
    CAPTURE(pattern);
    const Pattern regex = Pattern::regex(pattern, "test");
    const std::vector<Match> once = find_all(regex, unit), twice = find_all(regex, unit + unit),
                             all = find_all(regex, text);
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
  const std::vector<Match> matches = find_all(Pattern::regex("x*", "test"), "axxb");
  REQUIRE(matches.size() == 3);
  CHECK(matches[0].end == 0);
  CHECK(matches[1].begin == 1);
  CHECK(matches[1].end == 3);
  CHECK(matches[2].begin == 4);
  CHECK(find_all(Pattern::literal(""), "aé").size() == 3);
}

namespace {

std::string refusal(const std::string& pattern, const std::string& text) {
  const Pattern regex = Pattern::regex(pattern, "test");
  return error_of([&] { find_all(regex, text); }, ErrorCode::unsupported);
}

}  // namespace

TEST_CASE("a search keeps a bounded number of places to go back to") {
  CHECK(mentions(refusal("(?:a|b)*", std::string(3'000'000, 'a')), "match-stack limit"));
  CHECK(find_all(Pattern::regex("[^b]+", "test"), std::string(1'000'000, 'a')).size() == 1);
}

TEST_CASE("work that is counted neither as backtracks nor by the stack meets the clock") {
  // For each letter, on to the end of the text; all within the one attempt at its head.
  for (const char* pattern :
       {"(?:(?=(?>.*))a)*", "(?:(?=.*+)a)*", "(?:(?!(?=.*)c)a)*", "(?:(?<n>(?=[^b]*+))a)*"}) {
    CAPTURE(pattern);
    const std::string error = refusal(pattern, std::string(150'000, 'a'));
    CHECK((mentions(error, " s); use a pattern") || mentions(error, "match-stack limit")));
  }
}

TEST_CASE("callouts change no match") {
  const std::string text = "a(b] aab '' [x] (?{})  x1\n  \\(y\\) foo.bar  ";
  // With the matches of Oniguruma on the pattern as it is.
  const std::pair<const char*, const char*> cases[] = {
      {"(?>a+)b", "5-8"},
      {"[](]++", "1-2 3-4 14-15 16-17 29-30"},
      {"[^](?{]++", "0-1 2-3 4-14 15-16 19-29 30-43"},
      {"\\((?!y)", "1-2 16-17"},
      {"(?<!a)b", "2-3 38-39"},
      {"(?<w>\\w++)(?=\\.)", "34-37"},
      {"\\s+(?!\\S)", "21-22 25-27 41-43"},
      {"(?i:A++)B", ""},
      {"(?#(?>)[[:alpha:](]++", "0-3 5-8 13-14 16-17 23-24 29-31 34-37 38-41"},
      {"(a)(?>\\1?)b", "5-8"},
      {"\\[(?>x)\\]", "12-15"},
      {"(?~ab)c?", "0-6 7-43"},
      {"[a&&[^(]]++", "0-1 5-7 39-40"},
      {"(?'q'a)\\k<q>?+", "0-1 5-7 39-40"},
      {"(?i)A++|(?-i)B", "0-1 5-7 39-40"},
      {"(?<=(?:a|\\())b++", "2-3 7-8"},
      {"(?<!(?:a|x))b", "2-3 38-39"},
  };
  for (const auto& [pattern, expected] : cases) {
    CAPTURE(pattern);
    CHECK(sapwood::discards_backtracks(pattern));
    std::string found;
    for (const Match& m : find_all(Pattern::regex(pattern, "test"), text)) {
      found += std::to_string(m.begin) + "-" + std::to_string(m.end) + " ";
    }
    if (!found.empty()) found.pop_back();
    CHECK(found == expected);
  }
}

TEST_CASE("callouts stand at the head of every group and nowhere else") {
  using sapwood::with_callouts;
  CHECK(with_callouts("(a)|b", false) == "(?{})(a)|b");
  CHECK(with_callouts("(a)(?:b)(?=c)(?!d)(?>e)(?<n>f)(?i:g)", true) ==
        "(?{})((?{})a)(?:(?{})b)(?=(?{})c)(?!(?{})d)(?>(?{})e)(?<n>(?{})f)(?i:(?{})g)");
  CHECK(with_callouts("\\([(]([](]|[^](]|[a[(]])(?#()(?i)(?<=x)", true) ==
        "(?{})\\([(]((?{})[](]|[^](]|[a[(]])(?#()(?i)(?<=x)");
  CHECK(mentions(error_of([] { Pattern::regex("(?x)(?>a) # (", "test"); }, ErrorCode::unsupported),
                 "comments"));
}

TEST_CASE("a pattern has at most 8 KiB") {
  CHECK(mentions(
      error_of([] { Pattern::regex(std::string(10'000, 'a'), "here"); }, ErrorCode::malformed),
      "here: the regular expression"));
}

TEST_CASE("the time is one for all searches of a call") {
  auto json = nlohmann::ordered_json::parse(sapwood::test::small_tokenizer().to_json());
  json["normalizer"] = {
      {"type", "Replace"}, {"pattern", {{"Regex", "x++(?:y|z)"}}}, {"content", "z"}};
  const auto t = sapwood::Tokenizer::from_json(json.dump());
  std::string piece(16'000, 'x'), text;
  piece += "[MASK]";
  CHECK(t.encode(piece).size() == 4);
  while (text.size() < 1'000'000) text += piece;
  CHECK(mentions(error_of([&] { t.encode(text); }, ErrorCode::unsupported), " s); use a pattern"));
}
