// The arithmetic that all tasks share: scores, order, labels, fills, embeddings.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "catch.h"
#include "tasks/classify.h"
#include "tasks/fill_mask.h"
#include "tasks/lowercase.h"
#include "tasks/rank.h"
#include "tasks/scores.h"
#include "tasks/text_index.h"
#include "tasks/vectors.h"

using namespace sapwood;
using namespace sapwood::tasks;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<std::string> names(const std::vector<LabelScore>& labels) {
  std::vector<std::string> result;
  for (const LabelScore& label : labels) result.push_back(label.label);
  return result;
}

}  // namespace

TEST_CASE("softmax and log_sum_exp hold for small, large and equal logits") {
  // exp(1), exp(2), exp(3) over their sum.
  const auto scores = softmax(std::vector<float>{1, 2, 3});
  CHECK(scores[0] == Approx(0.0900305732).epsilon(1e-7));
  CHECK(scores[1] == Approx(0.2447284711).epsilon(1e-7));
  CHECK(scores[2] == Approx(0.6652409558).epsilon(1e-7));
  const auto large = softmax(std::vector<float>{1e30f, 1e30f, -1e30f});
  CHECK(large == std::vector<float>{0.5f, 0.5f, 0.0f});
  CHECK(log_sum_exp(std::vector<float>{1000, 1000}) == Approx(1000 + std::log(2.0)).epsilon(1e-12));
  CHECK(softmax(std::vector<float>{}).empty());
}

TEST_CASE("sigmoid saturates without overflow") {
  CHECK(sigmoid(0) == 0.5f);
  CHECK(sigmoid(1) == Approx(0.7310585786).epsilon(1e-7));
  CHECK(sigmoid(1e30f) == 1.0f);
  CHECK(sigmoid(-1e30f) == 0.0f);
}

TEST_CASE("the best indices are in order, equals by index, NaN last") {
  const std::vector<float> values = {2, 5, kNan, 5, -1, 2};
  CHECK(best_indices(values, 6) == std::vector<int>{1, 3, 0, 5, 4, 2});
  CHECK(best_indices(values, 3) == std::vector<int>{1, 3, 0});
  CHECK(best_indices(values, 99).size() == 6);
  CHECK(best_indices(values, 0).empty());
  CHECK(argmax(values) == 1);
  CHECK(argmax(std::vector<float>{kNan, -3}) == 1);
  CHECK(argmax(std::vector<float>{kNan, kNan}) == 0);
  CHECK(best_indices(std::vector<float>(1000, kNan), 10).size() == 10);
}

TEST_CASE("the default function follows problem type and number of labels") {
  CHECK(default_function(ProblemType::single_label, 3) == ScoreFunction::softmax);
  CHECK(default_function(ProblemType::single_label, 1) == ScoreFunction::sigmoid);
  CHECK(default_function(ProblemType::multi_label, 4) == ScoreFunction::sigmoid);
  CHECK(default_function(ProblemType::regression, 1) == ScoreFunction::none);
  CHECK(default_function(ProblemType::regression, 3) == ScoreFunction::none);
}

TEST_CASE("labels come best first, top_k of them or all") {
  const std::vector<std::string> labels = {"a", "b", "c", "d"};
  const std::vector<float> logits = {0.5f, 2.0f, 0.5f, -1.0f};
  const auto all = label_scores(logits, labels, ScoreFunction::softmax, 0);
  CHECK(names(all) == std::vector<std::string>{"b", "a", "c", "d"});
  double sum = 0;
  for (const LabelScore& label : all) sum += label.score;
  CHECK(sum == Approx(1).epsilon(1e-6));
  CHECK(names(label_scores(logits, labels, ScoreFunction::sigmoid, 2)) ==
        std::vector<std::string>{"b", "a"});
  const auto raw = label_scores(logits, labels, ScoreFunction::none, 1);
  REQUIRE(raw.size() == 1);
  CHECK(raw[0].score == 2.0f);
  CHECK(label_scores(logits, labels, ScoreFunction::none, 1000000).size() == 4);
}

TEST_CASE("labels are ranked by their logits where the scores are all the same") {
  const std::vector<std::string> labels = {"a", "b", "c", "d"};
  const auto ranked = [&](const std::vector<float>& logits, ScoreFunction function) {
    return names(label_scores(logits, labels, function, 0));
  };
  CHECK(ranked({20, 22, 24, 21}, ScoreFunction::sigmoid) ==
        std::vector<std::string>{"c", "b", "d", "a"});
  CHECK(label_scores(std::vector<float>{20, 22, 24, 21}, labels, ScoreFunction::sigmoid, 0)[3]
            .score == 1.0f);
  CHECK(ranked({-130, -120, -125, -110}, ScoreFunction::sigmoid) ==
        std::vector<std::string>{"d", "b", "c", "a"});
  CHECK(ranked({-300, 0, -200, -250}, ScoreFunction::softmax) ==
        std::vector<std::string>{"b", "c", "d", "a"});
}

TEST_CASE("mask fills carry the softmax over the whole vocabulary") {
  std::vector<float> logits(1000);
  for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = std::sin(static_cast<float>(i));
  logits[700] = 9;
  const auto all = softmax(logits);
  const auto best = best_tokens(logits, 5);
  REQUIRE(best.size() == 5);
  CHECK(best[0].id == 700);
  for (std::size_t i = 0; i < best.size(); ++i) {
    CHECK(best[i].score == Approx(all[static_cast<std::size_t>(best[i].id)]).epsilon(1e-6));
    if (i > 0) CHECK(best[i].score <= best[i - 1].score);
  }
  CHECK(positions_of(4, std::vector<std::int32_t>{2, 4, 9, 4, 4, 3}) ==
        std::vector<std::int32_t>{1, 3, 4});
}

TEST_CASE("a ranking keeps the order given among equals") {
  const std::vector<float> scores = {0.2f, 0.9f, 0.2f, kNan, 0.9f};
  const auto ranking = rank(scores, scores);
  std::vector<int> order;
  for (const RankedText& text : ranking) order.push_back(text.index);
  CHECK(order == std::vector<int>{1, 4, 0, 2, 3});
  CHECK(ranking[0].score == 0.9f);
}

TEST_CASE("vectors are normalised to length one, the zero vector stays") {
  std::vector<float> x = {3, 4};
  normalize(x);
  CHECK(x[0] == Approx(0.6f));
  CHECK(x[1] == Approx(0.8f));
  std::vector<float> zero(3, 0.0f);
  normalize(zero);
  CHECK(zero == std::vector<float>(3, 0.0f));
  CHECK(cosine(std::vector<float>{1, 0}, std::vector<float>{1, 1}) == Approx(std::sqrt(0.5)));
  CHECK(cosine(std::vector<float>{2, 4}, std::vector<float>{-1, -2}) == Approx(-1));
  CHECK(cosine(zero, std::vector<float>{1, 2, 3}) == 0.0f);
}

TEST_CASE("a text is sliced by code points") {
  for (const std::string text : {"plain ascii", "Zürich 🙂 東京", ""}) {
    const TextIndex index(text);
    std::vector<std::string> points;  // one code point each
    for (const char c : text) {
      if ((c & 0xC0) == 0x80) {
        points.back() += c;
      } else {
        points.emplace_back(1, c);
      }
    }
    const int count = static_cast<int>(points.size());
    for (int start = 0; start <= count + 1; ++start) {
      for (int end = 0; end <= count + 1; ++end) {
        std::string expected;
        for (int i = start; i < std::min(end, count); ++i) {
          expected += points[static_cast<std::size_t>(i)];
        }
        CHECK(index.slice(start, end) == expected);
      }
    }
    CHECK(index.slice(-5, 1 << 30) == text);
  }
}

TEST_CASE("texts that Python lowercases alike have one key") {
  CHECK(lowercase_key("São PAULO 東京 🙂") == lowercase_key("são paulo 東京 🙂"));
  CHECK(lowercase_key("МОСКВА") == "москва");
  CHECK(lowercase_key("ΟΔΟΣ") == lowercase_key("οδος"));
  CHECK(lowercase_key("İstanbul") == "i\u0307stanbul");
  CHECK(lowercase_key("Straße") != lowercase_key("STRASSE"));  // lower(), not casefold()
}
