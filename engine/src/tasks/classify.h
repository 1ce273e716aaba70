// The rule of TextClassificationPipeline.postprocess, without the model.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "sapwood/tasks.h"

namespace sapwood::tasks {

// regression: none; multi_label or a single label: sigmoid; else softmax.
ScoreFunction default_function(ProblemType problem, std::size_t labels);

// The top_k labels (0: all) by logit, best first, equal logits in label order. As many labels as
// logits.
std::vector<LabelScore> label_scores(std::span<const float> logits,
                                     std::span<const std::string> labels, ScoreFunction function,
                                     int top_k);

}  // namespace sapwood::tasks
