#include "tasks/classify.h"

#include <utility>

#include "base/border.h"
#include "tasks/answer_all.h"
#include "tasks/one_window.h"
#include "tasks/requirements.h"
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
    best.push_back({labels[static_cast<std::size_t>(i)], scores[static_cast<std::size_t>(i)], i});
  }
  return best;
}

}  // namespace tasks

namespace {

class ClassifyJob final : public Job<Classification> {
 public:
  ClassifyJob(const Model& of, std::vector<Encoding> windows, ScoreFunction function, int top_k)
      : Job(of, Output::head, std::move(windows)), function_(function), top_k_(top_k) {
    value_.truncated = encodings()[0].truncated;
  }

 private:
  void read(std::size_t, const MatrixView& logits) override {
    value_.labels = tasks::label_scores(logits.row(0), model().config().labels, function_, top_k_);
  }
  Classification result() override { return std::move(value_); }

  ScoreFunction function_;
  int top_k_;
  Classification value_;
};

class Classify final : public tasks::OneWindowTask<TextInput, Classification> {
 public:
  Classify(const Model& model, const ClassifyOptions& options)
      : OneWindowTask(model, options.length), top_k_(options.top_k) {
    tasks::require_at_least(options.top_k, 0, "top_k");
    const ModelConfig& config = model.config();
    function_ =
        options.function.value_or(tasks::default_function(config.problem, config.labels.size()));
  }

 private:
  std::unique_ptr<Job<Classification>> make(std::vector<Encoding> windows) const override {
    return std::make_unique<ClassifyJob>(model(), std::move(windows), function_, top_k_);
  }

  int top_k_;
  ScoreFunction function_;
};

}  // namespace

std::shared_ptr<const ClassifyTask> classify_task(const Model& model,
                                                  const ClassifyOptions& options) try {
  tasks::require_head(model, HeadKind::sequence_classification, "classify");
  return std::make_shared<const Classify>(model, options);
} catch (...) {
  throw_as_error();
}

std::vector<Result<Classification>> classify(const Model& model, std::span<const TextInput> inputs,
                                             const ClassifyOptions& options) try {
  return tasks::answer_all(model, *classify_task(model, options), inputs);
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
