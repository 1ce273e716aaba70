// The order of a reranking, without the model.
#pragma once

#include <span>
#include <vector>

#include "sapwood/tasks.h"

namespace sapwood::tasks {

// Best first, equal scores in the order given.
std::vector<RankedText> rank(std::span<const float> scores);

}  // namespace sapwood::tasks
