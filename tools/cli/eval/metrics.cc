#include "eval/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

namespace sapwood::cli {
namespace {

double ratio(double numerator, double denominator) {
  return denominator > 0 ? numerator / denominator : 0;
}

// Ranks from 1; equal values get the mean of the ranks they cover.
std::vector<double> ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> result(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double mean = (static_cast<double>(begin) + 1 + static_cast<double>(end)) / 2;
    for (std::size_t i = begin; i < end; ++i) result[order[i]] = mean;
    begin = end;
  }
  return result;
}

}  // namespace

double accuracy(std::span<const int> predicted, std::span<const int> gold) {
  std::size_t correct = 0;
  for (std::size_t i = 0; i < gold.size(); ++i) correct += predicted[i] == gold[i];
  return ratio(static_cast<double>(correct), static_cast<double>(gold.size()));
}

PrecisionRecall precision_recall(std::size_t correct, std::size_t predicted, std::size_t gold) {
  const auto c = static_cast<double>(correct);
  return {ratio(c, static_cast<double>(predicted)), ratio(c, static_cast<double>(gold)),
          ratio(2 * c, static_cast<double>(predicted + gold))};
}

double f1_of_class(std::span<const int> predicted, std::span<const int> gold, int positive) {
  std::size_t correct = 0, said = 0, there = 0;
  for (std::size_t i = 0; i < gold.size(); ++i) {
    said += predicted[i] == positive;
    there += gold[i] == positive;
    correct += predicted[i] == positive && gold[i] == positive;
  }
  return precision_recall(correct, said, there).f1;
}

double f1(std::span<const int> predicted, std::span<const int> gold, int classes) {
  if (classes == 2) return f1_of_class(predicted, gold, 1);
  double sum = 0;
  for (int c = 0; c < classes; ++c) sum += f1_of_class(predicted, gold, c);
  return ratio(sum, classes);
}

double matthews(std::span<const int> predicted, std::span<const int> gold) {
  // With c correct of s samples, and p_k, t_k the samples predicted and true in class k:
  // (c s - sum p_k t_k) / sqrt((s^2 - sum p_k^2) (s^2 - sum t_k^2))
  std::map<int, double> said, there;
  double correct = 0;
  for (std::size_t i = 0; i < gold.size(); ++i) {
    ++said[predicted[i]];
    ++there[gold[i]];
    correct += predicted[i] == gold[i];
  }
  const auto n = static_cast<double>(gold.size());
  double both = 0, said2 = 0, there2 = 0;
  for (const auto& [k, count] : said) {
    said2 += count * count;
    if (const auto at = there.find(k); at != there.end()) both += count * at->second;
  }
  for (const auto& [k, count] : there) there2 += count * count;
  return ratio(correct * n - both, std::sqrt((n * n - said2) * (n * n - there2)));
}

double pearson(std::span<const double> a, std::span<const double> b) {
  const auto n = static_cast<double>(a.size());
  if (a.size() < 2) return std::numeric_limits<double>::quiet_NaN();
  const double mean_a = std::accumulate(a.begin(), a.end(), 0.0) / n;
  const double mean_b = std::accumulate(b.begin(), b.end(), 0.0) / n;
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double da = a[i] - mean_a, db = b[i] - mean_b;
    ab += da * db;
    aa += da * da;
    bb += db * db;
  }
  if (aa == 0 || bb == 0) return std::numeric_limits<double>::quiet_NaN();
  return ab / std::sqrt(aa * bb);
}

double spearman(std::span<const double> a, std::span<const double> b) {
  return pearson(ranks(a), ranks(b));
}

double cosine(std::span<const float> a, std::span<const float> b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += static_cast<double>(b[i]) * b[i];
  }
  return ratio(ab, std::sqrt(aa * bb));
}

std::vector<Span> spans(std::span<const std::string> tags) {
  std::vector<Span> found;
  bool open = false;
  for (std::size_t i = 0; i < tags.size(); ++i) {
    const std::string& tag = tags[i];
    const bool inside = tag.starts_with("I-"), begins = tag.starts_with("B-");
    const std::string type = inside || begins ? tag.substr(2) : std::string();
    if (inside && open && found.back().type == type) {
      found.back().end = i + 1;
      continue;
    }
    open = inside || begins;
    if (open) found.push_back({type, i, i + 1});
  }
  return found;
}

PrecisionRecall span_f1(std::span<const std::vector<std::string>> predicted,
                        std::span<const std::vector<std::string>> gold) {
  std::size_t correct = 0, said = 0, there = 0;
  for (std::size_t i = 0; i < gold.size(); ++i) {
    const std::vector<Span> a = spans(predicted[i]), b = spans(gold[i]);
    said += a.size();
    there += b.size();
    for (const Span& span : a) correct += std::find(b.begin(), b.end(), span) != b.end();
  }
  return precision_recall(correct, said, there);
}

RetrievalScores retrieval_scores(std::span<const std::size_t> ranks_of_right) {
  RetrievalScores sums;
  for (const std::size_t rank : ranks_of_right) {
    if (rank > 10) continue;
    sums.mrr_at_10 += 1.0 / static_cast<double>(rank);
    sums.accuracy_at_1 += rank == 1;
    sums.recall_at_10 += 1;
  }
  const auto n = static_cast<double>(ranks_of_right.size());
  return {ratio(sums.mrr_at_10, n), ratio(sums.accuracy_at_1, n), ratio(sums.recall_at_10, n)};
}

std::size_t rank_of(std::span<const double> scores, std::size_t right) {
  std::size_t rank = 1;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    rank += scores[i] > scores[right] || (scores[i] == scores[right] && i < right);
  }
  return rank;
}

}  // namespace sapwood::cli
