// Entities of a text that was read in several windows.
#include <random>
#include <string>
#include <vector>

#include "catch.h"
#include "tasks/ner_aggregate.h"

using namespace sapwood;
using namespace sapwood::tasks;

namespace {

Entity entity(int start, int end, float score, std::string label = "X") {
  return {std::move(label), score, -1, "w", start, end};
}

// Windows over tokens 0..count-1 as the tokenizer cuts them; each entity's score is its window's
// number.
std::vector<WindowTokens> cut(int count, int size, int stride, Direction direction) {
  std::vector<WindowTokens> windows;
  const auto add = [&](int first, int end) {
    WindowTokens window;
    for (int i = first; i < end; ++i) {
      window.tokens.push_back(
          {"L", static_cast<float>(windows.size()), i - first, std::to_string(i), i, i + 1});
    }
    windows.push_back(std::move(window));
  };
  const int step = size - stride;
  if (direction == Direction::right) {
    for (int first = 0;; first += step) {
      add(first, std::min(first + size, count));
      if (first + size >= count) break;
    }
  } else {
    for (int end = count;; end -= step) {
      add(std::max(0, end - size), end);
      if (end - size <= 0) break;
    }
  }
  return windows;
}

}  // namespace

TEST_CASE("of overlapping entities the longest stays, then the best, then the first") {
  const auto merged =
      merge_overlapping({entity(20, 25, 0.5f), entity(0, 4, 0.9f), entity(2, 8, 0.1f),
                         entity(8, 9, 0.3f), entity(20, 25, 0.6f, "Y"), entity(21, 26, 0.6f, "Z")});
  REQUIRE(merged.size() == 3);
  CHECK(merged[0].start == 2);
  CHECK(merged[0].end == 8);
  CHECK(merged[1].start == 8);
  CHECK(merged[2].entity == "Y");
  CHECK(merge_overlapping({}).empty());
  CHECK(merge_overlapping({entity(3, 3, 0.5f)}).size() == 1);
}

TEST_CASE("merged tokens are each token once, in order, with its place in the text") {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    const int size = 1 + static_cast<int>(random() % 12);
    const int stride = static_cast<int>(random() % static_cast<unsigned>(size));
    const int count = 1 + static_cast<int>(random() % 60);
    for (const Direction direction : {Direction::right, Direction::left}) {
      const auto merged = merge_tokens(cut(count, size, stride, direction), stride, direction, 1);
      REQUIRE(static_cast<int>(merged.size()) == count);
      for (int i = 0; i < count; ++i) {
        CHECK(merged[static_cast<std::size_t>(i)].word == std::to_string(i));
        CHECK(merged[static_cast<std::size_t>(i)].index == i + 1);
      }
    }
  }
}

TEST_CASE("a token is taken from the window where it stands farthest from an edge") {
  // Windows 0..9 and 6..15 share 6, 7, 8, 9: in the first these are 3, 2, 1, 0 from the right edge,
  // in the second 0, 1, 2, 3 from the left.
  const auto merged = merge_tokens(cut(16, 10, 4, Direction::right), 4, Direction::right, 1);
  REQUIRE(merged.size() == 16);
  CHECK(merged[6].score == 0.0f);
  CHECK(merged[7].score == 0.0f);
  CHECK(merged[8].score == 1.0f);
  CHECK(merged[9].score == 1.0f);
}
