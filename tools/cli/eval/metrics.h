// Measures of agreement. Pure functions; every one is a fraction or a correlation, never a
// percentage.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace sapwood::cli {

// Share of equal elements; 0 for empty input.
double accuracy(std::span<const int> predicted, std::span<const int> gold);

struct PrecisionRecall {
  double precision = 0, recall = 0, f1 = 0;
};
// From counts; a ratio without a denominator is 0.
PrecisionRecall precision_recall(std::size_t correct, std::size_t predicted, std::size_t gold);

// F1 of one class against the rest.
double f1_of_class(std::span<const int> predicted, std::span<const int> gold, int positive);
// Two classes: F1 of class 1 (GLUE); otherwise the mean of all classes' F1 (macro).
double f1(std::span<const int> predicted, std::span<const int> gold, int classes);

// Matthews' correlation coefficient for any number of classes (Gorodkin 2004, as scikit-learn); 0
// where one side has a single class.
double matthews(std::span<const int> predicted, std::span<const int> gold);

// Correlations; NaN where one side is constant or there are fewer than two pairs.
double pearson(std::span<const double> a, std::span<const double> b);
double spearman(std::span<const double> a,
                std::span<const double> b);  // ties share their mean rank

double cosine(std::span<const float> a, std::span<const float> b);

// An entity in a tagged sentence: words [begin, end).
struct Span {
  std::string type;
  std::size_t begin = 0, end = 0;
  bool operator==(const Span&) const = default;
};
// The entities of IOB2 tags, read as seqeval's default mode reads them: I- without a matching
// entity before it opens one.
std::vector<Span> spans(std::span<const std::string> tags);
// Micro-averaged over sentences: an entity counts where type and both ends agree.
PrecisionRecall span_f1(std::span<const std::vector<std::string>> predicted,
                        std::span<const std::vector<std::string>> gold);

struct RetrievalScores {
  double mrr_at_10 = 0, accuracy_at_1 = 0, recall_at_10 = 0;
};
// `ranks`: of the one right document for each query, from 1.
RetrievalScores retrieval_scores(std::span<const std::size_t> ranks);
// Rank of document `right` when documents are sorted by falling score; earlier ones win ties.
std::size_t rank_of(std::span<const double> scores, std::size_t right);

}  // namespace sapwood::cli
