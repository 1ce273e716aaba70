#include "tasks/scores.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace sapwood::tasks {

namespace {

float largest(std::span<const float> values) {
  float best = -std::numeric_limits<float>::infinity();
  for (const float value : values) best = std::max(best, value);  // NaN never wins
  return best;
}

}  // namespace

void softmax(std::span<const float> logits, std::span<float> scores) {
  const double max = largest(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - max);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    scores[i] = static_cast<float>(std::exp(logits[i] - max) / sum);
  }
}

std::vector<float> softmax(std::span<const float> logits) {
  std::vector<float> scores(logits.size());
  softmax(logits, scores);
  return scores;
}

double log_sum_exp(std::span<const float> logits) {
  const double max = largest(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - max);
  return max + std::log(sum);
}

float sigmoid(float logit) {
  return static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(logit))));
}

bool ranks_before(float a, float b) { return a > b || (std::isnan(b) && !std::isnan(a)); }

int argmax(std::span<const float> values) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (ranks_before(values[i], values[best])) best = i;
  }
  return static_cast<int>(best);
}

std::vector<int> best_indices(std::span<const float> values, std::size_t k) {
  std::vector<int> indices(values.size());
  std::iota(indices.begin(), indices.end(), 0);
  k = std::min(k, indices.size());
  const auto before = [values](int a, int b) {
    const float x = values[static_cast<std::size_t>(a)], y = values[static_cast<std::size_t>(b)];
    if (ranks_before(x, y)) return true;
    if (ranks_before(y, x)) return false;
    return a < b;
  };
  std::partial_sort(indices.begin(), indices.begin() + static_cast<std::ptrdiff_t>(k),
                    indices.end(), before);
  indices.resize(k);
  return indices;
}

}  // namespace sapwood::tasks
