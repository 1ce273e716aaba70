// The order of a reranking, without the model.
#pragma once

#include <span>
#include <vector>

#include "sapwood/tasks.h"

namespace sapwood::tasks {

// The scores of n texts in the order of their logits [n], best first, equal ones in the order
// given. Scores may be equal where logits are not: the sigmoid of every logit from 17 is 1 in
// float32.
std::vector<RankedText> rank(std::span<const float> logits, std::span<const float> scores);

}  // namespace sapwood::tasks
