#include "string_set.h"

#include <random>
#include <string>
#include <vector>

#include "catch.h"

using sapwood::SetMatch;
using sapwood::StringSet;

namespace {

// By the definition, place by place.
template <typename Symbol>
std::vector<std::pair<std::size_t, std::size_t>> expected(
    const std::vector<std::basic_string<Symbol>>& strings, const std::basic_string<Symbol>& text) {
  std::vector<std::pair<std::size_t, std::size_t>> matches;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t longest = 0;
    for (const auto& s : strings) {
      if (s.size() > longest && text.compare(at, s.size(), s) == 0) longest = s.size();
    }
    if (longest > 0) matches.emplace_back(at, at + longest);
    at += std::max<std::size_t>(longest, 1);
  }
  return matches;
}

template <typename Symbol>
void compare_random(std::basic_string<Symbol> alphabet) {
  std::mt19937 random(7);
  const auto draw = [&](std::size_t length) {
    std::basic_string<Symbol> s;
    for (std::size_t i = 0; i < length; ++i) s += alphabet[random() % alphabet.size()];
    return s;
  };
  std::size_t wrong = 0, found = 0;
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::basic_string<Symbol>> strings;
    for (unsigned i = 0, n = random() % 8; i < n; ++i) strings.push_back(draw(1 + random() % 6));
    std::vector<std::pair<std::basic_string_view<Symbol>, int32_t>> entries;
    for (std::size_t i = 0; i < strings.size(); ++i) {
      entries.emplace_back(strings[i], static_cast<int32_t>(i));
    }
    const StringSet<Symbol> set(entries);
    const std::basic_string<Symbol> text = draw(random() % 60);
    std::vector<SetMatch> matches;
    set.find_all(text, matches);
    const auto right = expected(strings, text);
    wrong += matches.size() != right.size();
    for (std::size_t i = 0; i < std::min(matches.size(), right.size()); ++i) {
      const SetMatch& m = matches[i];
      const auto& s = strings[static_cast<std::size_t>(m.value)];
      wrong += m.begin != right[i].first || m.end != right[i].second ||
               text.substr(m.begin, m.end - m.begin) != s;
    }
    found += matches.size();
  }
  CHECK(wrong == 0);
  CHECK(found > 5'000);
}

}  // namespace

TEST_CASE("the leftmost of the longest strings, as by definition") {
  compare_random<char>("ab");
  compare_random<char>("a\xC3\xA9 b");
  compare_random<char32_t>(U"ab\u0161");  // \u0161 has the low byte of "a"
}

TEST_CASE("an empty set finds nothing, and the last of equal strings counts") {
  std::vector<SetMatch> matches;
  StringSet<char>().find_all("abc", matches);
  CHECK(matches.empty());
  StringSet<char>({{"b", 1}, {"b", 2}}).find_all("abc", matches);
  REQUIRE(matches.size() == 1);
  CHECK(matches[0].value == 2);
}
