#include "tasks/classify.h"

#include <utility>

#include "base/border.h"
#include "tasks/encoded_inputs.h"
#include "tasks/scores.h"

namespace sapwood {

namespace tasks {

ScoreFunction default_function(ProblemType problem, std::size_t labels) {
  if (problem == ProblemType::regression) return ScoreFunction::none;
  if (problem == ProblemType::multi_label || labels == 1) return ScoreFunction::sigmoid;
  return ScoreFunction::softmax;
}

std::vector<LabelScore> label_scores(std::span<const float> logits,
                                     std::span<const std::string> labels, ScoreFunction function,
                                     int top_k) {
  std::vector<float> scores(logits.begin(), logits.end());
  if (function == ScoreFunction::softmax) {
    softmax(logits, scores);
  } else if (function == ScoreFunction::sigmoid) {
    for (float& score : scores) score = sigmoid(score);
  }
  const std::size_t count = top_k == 0 ? scores.size() : static_cast<std::size_t>(top_k);
  std::vector<LabelScore> best;
  // By the logits: scores are equal where the function saturates.
  for (const int i : best_indices(logits, count)) {
    best.push_back({labels[static_cast<std::size_t>(i)], scores[static_cast<std::size_t>(i)]});
  }
  return best;
}

}  // namespace tasks

std::vector<Result<Classification>> classify(const Model& model, std::span<const TextInput> inputs,
                                             const ClassifyOptions& options) try {
  tasks::require_head(model, HeadKind::sequence_classification, "classify");
  tasks::require_at_least(options.top_k, 0, "top_k");
  const ModelConfig& config = model.config();
  const ScoreFunction function =
      options.function.value_or(tasks::default_function(config.problem, config.labels.size()));

  tasks::EncodedInputs batch = tasks::encode_inputs(model, inputs, options.length);
  std::vector<Classification> values(inputs.size());
  tasks::run(model, batch, Output::head, [&](std::size_t window, const MatrixView& logits) {
    const std::size_t input = batch.input_of[window];
    values[input].labels =
        tasks::label_scores(logits.row(0), config.labels, function, options.top_k);
    values[input].truncated = batch.truncated[input] != 0;
  });
  return tasks::in_order(batch, std::move(values));
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
