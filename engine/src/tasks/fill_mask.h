// The rule of FillMaskPipeline, without the model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sapwood/tasks.h"

namespace sapwood::tasks {

struct TokenScore {
  std::int32_t id;
  float score;  // softmax over the whole vocabulary
};

// Of all tokens, or of the given ones.
std::vector<TokenScore> best_tokens(std::span<const float> logits, std::size_t top_k);
std::vector<TokenScore> best_tokens(std::span<const float> logits, std::size_t top_k,
                                    std::span<const std::int32_t> targets);

std::vector<std::int32_t> positions_of(std::int32_t id, std::span<const std::int32_t> ids);

}  // namespace sapwood::tasks
