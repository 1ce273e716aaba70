// The rules of ZeroShotClassificationPipeline, without the model.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sapwood/tasks.h"

namespace sapwood::tasks {

// A template in pieces, between which the label stands: as Python's str.format reads "{}", "{0}", "{{" and "}}".
// Throws Error invalid_argument for any other brace, for "{}" more than once or beside "{0}", which str.format refuses,
// and where there is no place for the label.
std::vector<std::string> template_pieces(std::string_view hypothesis_template);

std::string hypothesis_of(std::span<const std::string> pieces, std::string_view label);

// How sure the model is of each label [labels].
struct LabelLogits {
  std::vector<float> entailment, contradiction;
};

// The top_k labels (0: all), best first, equal ones in the order given. multi_label, or a single label: softmax of
// entailment against contradiction; else softmax of entailment over the labels. `names` [labels].
std::vector<LabelScore> zero_shot_scores(const LabelLogits& logits,
                                         std::span<const std::string> names, bool multi_label,
                                         int top_k);

}  // namespace sapwood::tasks
