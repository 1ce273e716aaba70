// From start and end logits to answers.
#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "catch.h"
#include "tasks/answer_spans.h"
#include "tasks/scores.h"

using namespace sapwood;
using namespace sapwood::tasks;

namespace {

// [CLS] q q [SEP] c c c c [SEP]
Encoding window() {
  Encoding encoding;
  encoding.ids = {2, 10, 11, 3, 20, 21, 22, 23, 3};
  encoding.sequence_ids = {-1, 0, 0, -1, 1, 1, 1, 1, -1};
  encoding.word_ids = {-1, 0, 1, -1, 0, 1, 1, 2, -1};
  encoding.offsets = {{0, 0}, {0, 3}, {3, 4}, {0, 0}, {0, 3}, {4, 6}, {6, 9}, {9, 10}, {0, 0}};
  return encoding;
}

MatrixView view(const std::vector<float>& logits) {
  return {logits.data(), static_cast<int>(logits.size() / 2), 2};
}

// decode_spans by its definition: the outer product, its band, sorted.
std::vector<TokenSpan> all_spans(const MatrixView& logits, const std::vector<std::uint8_t>& allowed,
                                 int max_length) {
  std::vector<float> start, end;
  for (int i = 0; i < logits.rows; ++i) {
    const bool in = allowed[static_cast<std::size_t>(i)] != 0;
    start.push_back(in ? logits.row(i)[0] : -10000.0f);
    end.push_back(in ? logits.row(i)[1] : -10000.0f);
  }
  start = softmax(start);
  end = softmax(end);
  start[0] = end[0] = 0;
  std::vector<TokenSpan> spans;
  for (int first = 0; first < logits.rows; ++first) {
    for (int last = first; last < std::min(logits.rows, first + max_length); ++last) {
      const float score =
          start[static_cast<std::size_t>(first)] * end[static_cast<std::size_t>(last)];
      const double logit =
          static_cast<double>(logits.row(first)[0]) + static_cast<double>(logits.row(last)[1]);
      if (score > 0) spans.push_back({first, last, score, logit});
    }
  }
  std::stable_sort(spans.begin(), spans.end(), [](const TokenSpan& a, const TokenSpan& b) {
    return a.score != b.score ? a.score > b.score : a.logit > b.logit;
  });
  return spans;
}

}  // namespace

TEST_CASE("answer tokens are the context's and [CLS]") {
  const Encoding encoding = window();
  CHECK(answer_tokens(encoding, 2) == std::vector<std::uint8_t>{1, 0, 0, 0, 1, 1, 1, 1, 0});
  CHECK(answer_tokens(encoding, std::nullopt) ==
        std::vector<std::uint8_t>{0, 0, 0, 0, 1, 1, 1, 1, 0});
}

TEST_CASE("the best spans are those of the full outer product") {
  std::mt19937 random(11);
  std::normal_distribution<float> normal(0, 3);
  for (int round = 0; round < 200; ++round) {
    const int tokens = 1 + static_cast<int>(random() % 40);
    std::vector<float> logits(static_cast<std::size_t>(tokens) * 2);
    for (float& logit : logits) logit = normal(random);
    std::vector<std::uint8_t> allowed(static_cast<std::size_t>(tokens));
    for (auto& a : allowed) a = random() % 4 != 0;
    const int max_length = 1 + static_cast<int>(random() % 20);
    const std::size_t count = 1 + random() % 30;
    const auto expected = all_spans(view(logits), allowed, max_length);
    const auto found = best_spans(view(logits), allowed, max_length, count).spans;
    REQUIRE(found.size() == std::min(count, expected.size()));
    for (std::size_t i = 0; i < found.size(); ++i) {
      CHECK(found[i].score == Approx(expected[i].score).epsilon(1e-6));
      CHECK(found[i].last - found[i].first < max_length);
      CHECK((allowed[static_cast<std::size_t>(found[i].first)] != 0 && found[i].first > 0));
      CHECK((allowed[static_cast<std::size_t>(found[i].last)] != 0 && found[i].last > 0));
    }
  }
}

TEST_CASE("spans whose scores round to the same number are ranked by their logits") {
  std::vector<float> logits(18, 0.0f);
  logits[2 * 4] = 5;          // the start
  logits[2 * 7 + 1] = 1e-9f;  // the end that is better by less than a score shows
  const auto found = best_spans(view(logits), answer_tokens(window(), 2), 15, 2).spans;
  REQUIRE(found.size() == 2);
  CHECK(found[0].score == found[1].score);
  CHECK(found[0].first == 4);
  CHECK(found[0].last == 7);
  CHECK(found[1].last == 4);
}

TEST_CASE("the null score is what [CLS] gets of both softmaxes") {
  const std::vector<float> logits = {2, 1, 9, 9, 9, 9, 9, 9, 1, 0, 0, 1, 0, 0, 0, 0, 9, 9};
  const auto allowed = answer_tokens(window(), 2);
  const auto found = best_spans(view(logits), allowed, 15, 10);
  const double start_sum = std::exp(2.0) + std::exp(1.0) + 3;
  const double end_sum = 2 * std::exp(1.0) + 3;
  CHECK(found.null_score ==
        Approx(std::exp(2.0) / start_sum * std::exp(1.0) / end_sum).epsilon(1e-6));
  REQUIRE_FALSE(found.spans.empty());
  CHECK(found.spans[0].first == 4);
  CHECK(found.spans[0].last == 5);
  CHECK(best_spans({nullptr, 0, 2}, {}, 15, 10).spans.empty());
  const std::vector<std::uint8_t> none(9, 0);
  const auto nothing = best_spans(view(logits), none, 15, 10);
  CHECK(nothing.spans.empty());
  CHECK(nothing.null_score == 0.0f);
}

TEST_CASE("spans widen to whole words of the context") {
  const Encoding encoding = window();
  const SpanOffsets words(encoding, true), tokens(encoding, false);
  CHECK(words.of({5, 5, 1, 0}) == Offsets{4, 9});
  CHECK(words.of({4, 6, 1, 0}) == Offsets{0, 9});
  CHECK(words.of({6, 7, 1, 0}) == Offsets{4, 10});
  CHECK(tokens.of({5, 5, 1, 0}) == Offsets{4, 6});
  CHECK(tokens.of({6, 7, 1, 0}) == Offsets{6, 10});
}

TEST_CASE("equal answers add up, whatever their case, and keep the first place") {
  AnswerList answers("Élan élan Rome élan");
  answers.add({10, 14}, 0.25f);
  answers.add({0, 4}, 0.125f);
  answers.add({5, 9}, 0.25f);
  answers.add({15, 19}, 0.0625f);
  const auto best = std::move(answers).best(5, false, std::nullopt);
  REQUIRE(best.size() == 2);
  CHECK(best[0].answer == "Élan");
  CHECK(best[0].start == 0);
  CHECK(best[0].end == 4);
  CHECK(best[0].score == Approx(0.4375));
  CHECK(best[1].answer == "Rome");
}

TEST_CASE("the empty answer takes part with its smallest score of all windows") {
  const auto list = [] {
    AnswerList answers("yes no");
    answers.add({0, 3}, 0.5f);
    answers.add({4, 6}, 0.125f);
    answers.add_null_score(0.75f);
    answers.add_null_score(0.25f);
    return answers;
  };
  const auto with = list().best(3, true, std::nullopt);
  REQUIRE(with.size() == 3);
  CHECK(with[0].answer == "yes");
  CHECK(with[1].answer.empty());
  CHECK(with[1].score == 0.25f);
  CHECK(with[1].end == 0);
  CHECK(list().best(3, false, std::nullopt).size() == 2);
  CHECK(list().best(1, true, std::nullopt).size() == 1);
}

TEST_CASE("answers under the threshold are dropped, the empty one stands in for all of them") {
  const auto list = [] {
    AnswerList answers("yes no");
    answers.add({0, 3}, 0.5f);
    answers.add({4, 6}, 0.125f);
    answers.add_null_score(0.25f);
    return answers;
  };
  const auto one = list().best(3, false, 0.3f);
  REQUIRE(one.size() == 1);
  CHECK(one[0].answer == "yes");
  const auto none = list().best(3, false, 0.6f);
  REQUIRE(none.size() == 1);
  CHECK(none[0].answer.empty());
  CHECK(none[0].score == 0.5f);
  const auto null = list().best(3, true, 0.6f);
  REQUIRE(null.size() == 1);
  CHECK(null[0].score == 0.25f);
  const auto nothing = AnswerList("yes no").best(3, false, std::nullopt);
  REQUIRE(nothing.size() == 1);
  CHECK(nothing[0].answer.empty());
  CHECK(nothing[0].score == 0.0f);
}
