// Turning logits into scores. Sums are taken in double and rounded once, so that a score differs
// from the pipelines' float32 arithmetic by rounding only. NaN (a broken checkpoint) ranks last
// everywhere: it gives a poor answer, never undefined behaviour.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace sapwood::tasks {

// exp(x - max) / sum.
std::vector<float> softmax(std::span<const float> logits);
void softmax(std::span<const float> logits, std::span<float> scores);

// log(sum(exp(x))): softmax(x)[i] = exp(x[i] - log_sum_exp(x)), for those who need few of the
// scores.
double log_sum_exp(std::span<const float> logits);

float sigmoid(float logit);

// True where score a ranks strictly before score b.
bool ranks_before(float a, float b);

// Index of the largest, the first among equals. `values` is not empty.
int argmax(std::span<const float> values);

// Indices of the k largest (of all, where there are fewer), best first, equals in ascending order.
std::vector<int> best_indices(std::span<const float> values, std::size_t k);

}  // namespace sapwood::tasks
