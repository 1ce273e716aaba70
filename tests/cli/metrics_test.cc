// Expected values are worked out by hand beside each case, or are scikit-learn's and seqeval's for
// the same small input.
#include "eval/metrics.h"

#include <cmath>

#include "catch.h"
#include "eval/squad.h"
#include "eval/tasks.h"

using namespace sapwood::cli;
using Ints = std::vector<int>;
using Doubles = std::vector<double>;
using Strings = std::vector<std::string>;

TEST_CASE("Accuracy, F1 and Matthews of a small confusion matrix") {
  // true positives 3, false positives 1, false negatives 2, true negatives 4
  const Ints gold{1, 1, 1, 1, 1, 0, 0, 0, 0, 0};
  const Ints said{1, 1, 1, 0, 0, 1, 0, 0, 0, 0};
  CHECK(accuracy(said, gold) == Approx(0.7));
  CHECK(f1(said, gold, 2) == Approx(2 * 3.0 / (4 + 5)));
  // (3*4 - 1*2) / sqrt((3+1)(3+2)(4+1)(4+2)) = 10 / sqrt(600)
  CHECK(matthews(said, gold) == Approx(10 / std::sqrt(600.0)));
  CHECK(accuracy(Ints{}, Ints{}) == 0);
  CHECK(matthews(Ints{1, 1}, Ints{0, 1}) == 0);
}

TEST_CASE("Several classes: macro F1 and the general Matthews coefficient") {
  // scikit-learn: matthews_corrcoef([0,1,2,2], [0,2,2,1]): c=2, s=4, sum p t = 1*1+1*1+2*2 = 6;
  // (2*4 - 6) / sqrt((16-6)(16-6)) = 0.2
  const Ints gold{0, 1, 2, 2}, said{0, 2, 2, 1};
  CHECK(matthews(said, gold) == Approx(0.2));
  CHECK(f1(said, gold, 3) == Approx((1.0 + 0.0 + 0.5) / 3));
}

TEST_CASE("Correlations") {
  const Doubles a{1, 2, 3, 4, 5}, b{1, 4, 9, 16, 25};
  CHECK(spearman(a, b) == Approx(1.0));
  // covariance 60, variances 10 and 374 (sums): 60 / sqrt(3740)
  CHECK(pearson(a, b) == Approx(60 / std::sqrt(3740.0)));
  CHECK(pearson(a, Doubles{5, 4, 3, 2, 1}) == Approx(-1.0));
  // Ties share ranks: ranks of {1,1,2} are 1.5 1.5 3, of {1,2,3} 1 2 3: 1.5 / sqrt(1.5 * 2)
  CHECK(spearman(Doubles{1, 1, 2}, Doubles{1, 2, 3}) == Approx(1.5 / std::sqrt(3.0)));
  CHECK(std::isnan(pearson(Doubles{1, 1}, Doubles{1, 2})));
  CHECK(std::isnan(pearson(Doubles{1}, Doubles{1})));
}

TEST_CASE("Cosine") {
  const std::vector<float> x{3, 4}, y{4, 3}, zero{0, 0};
  CHECK(cosine(x, y) == Approx(24.0 / 25));
  CHECK(cosine(x, x) == Approx(1.0));
  CHECK(cosine(x, zero) == 0);
}

TEST_CASE("Spans of IOB2 tags") {
  CHECK(spans(Strings{"B-PER", "I-PER", "O", "B-LOC"}) ==
        std::vector<Span>{{"PER", 0, 2}, {"LOC", 3, 4}});
  CHECK(spans(Strings{"B-PER", "B-PER"}) == std::vector<Span>{{"PER", 0, 1}, {"PER", 1, 2}});
  // I- without its entity opens one, as seqeval reads it.
  CHECK(spans(Strings{"I-ORG", "I-ORG", "I-LOC"}) ==
        std::vector<Span>{{"ORG", 0, 2}, {"LOC", 2, 3}});
  CHECK(spans(Strings{"O", "O"}).empty());
}

TEST_CASE("Span F1 counts exact entities over all sentences") {
  // seqeval's own example: one of two gold entities found, one of two predictions right.
  const std::vector<Strings> gold{{"O", "O", "O", "B-MISC", "I-MISC", "I-MISC", "O"},
                                  {"B-PER", "I-PER", "O"}};
  const std::vector<Strings> said{{"O", "O", "B-MISC", "I-MISC", "I-MISC", "I-MISC", "O"},
                                  {"B-PER", "I-PER", "O"}};
  const PrecisionRecall scores = span_f1(said, gold);
  CHECK(scores.precision == Approx(0.5));
  CHECK(scores.recall == Approx(0.5));
  CHECK(scores.f1 == Approx(0.5));
}

TEST_CASE("Retrieval scores from ranks") {
  const std::vector<std::size_t> ranks{1, 2, 10, 11};
  const RetrievalScores scores = retrieval_scores(ranks);
  CHECK(scores.accuracy_at_1 == Approx(0.25));
  CHECK(scores.recall_at_10 == Approx(0.75));
  CHECK(scores.mrr_at_10 == Approx((1 + 0.5 + 0.1) / 4));
  CHECK(rank_of(Doubles{0.5, 0.9, 0.5}, 0) == 2);
  CHECK(rank_of(Doubles{0.5, 0.9, 0.5}, 2) == 3);
}

TEST_CASE("SQuAD's normalisation") {
  CHECK(normalize_answer("The  Cat, sat on a mat!") == "cat sat on mat");
  CHECK(normalize_answer("an apple") == "apple");
  CHECK(normalize_answer("another theory") == "another theory");
  CHECK(normalize_answer("$5.3 million") == "53 million");
  CHECK(normalize_answer("a-b") == "ab");  // punctuation goes before articles
  CHECK(normalize_answer("\xC3\x9C"
                         "BER the Caf\xC3\x89") ==
        "\xC3\xBC"
        "ber caf\xC3\xA9");
  CHECK(normalize_answer("the") == "");
  // A dash that is not ASCII stays and ends a word, so that the article before it goes.
  CHECK(normalize_answer("x a\xE2\x80\x93z") == "x \xE2\x80\x93z");
}

TEST_CASE("SQuAD's exact match and F1") {
  const Strings gold{"Denver Broncos", "the Broncos of Denver"};
  CHECK(squad_exact_match("The Denver Broncos!", gold) == 1);
  CHECK(squad_exact_match("Broncos", gold) == 0);
  CHECK(squad_f1("Broncos", gold) == Approx(2 * 1.0 * 0.5 / 1.5));
  CHECK(squad_f1("Carolina", gold) == 0);
  CHECK(squad_f1("", Strings{}) == 1);
  CHECK(squad_f1("something", Strings{}) == 0);
  CHECK(squad_exact_match("", Strings{}) == 1);
  // Words count as often as they stand: "b b" against "b": precision 1/2, recall 1
  CHECK(squad_f1("b b", Strings{"b"}) == Approx(2.0 / 3));
}

TEST_CASE("Masks are few, seeded and never none") {
  std::vector<std::int32_t> positions(1000);
  for (int i = 0; i < 1000; ++i) positions[static_cast<std::size_t>(i)] = i + 1;
  const auto chosen = choose_masks(positions, 0, 0);
  CHECK(chosen.size() > 110);
  CHECK(chosen.size() < 190);
  CHECK(std::is_sorted(chosen.begin(), chosen.end()));
  CHECK(chosen == choose_masks(positions, 0, 0));
  CHECK(chosen != choose_masks(positions, 1, 0));
  CHECK(chosen != choose_masks(positions, 0, 1));
  const std::vector<std::int32_t> one{7};
  for (std::uint64_t text = 0; text < 20; ++text) CHECK(choose_masks(one, 0, text) == one);
  CHECK(choose_masks({}, 0, 0).empty());
}
