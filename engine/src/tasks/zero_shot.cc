#include "tasks/zero_shot.h"

#include <algorithm>
#include <utility>

#include "base/border.h"
#include "base/quote.h"
#include "sapwood/task_job.h"
#include "tasks/answer_all.h"
#include "tasks/requirements.h"
#include "tasks/scores.h"

namespace sapwood {

namespace tasks {
namespace {

[[noreturn]] void fail_template(std::string_view text, const std::string& problem) {
  throw Error(ErrorCode::invalid_argument, "hypothesis_template " + quote(text) + ": " + problem +
                                               "; write {} where the label goes, and {{ or }} for "
                                               "a brace");
}

}  // namespace

std::vector<std::string> template_pieces(std::string_view text) {
  std::vector<std::string> pieces(1);
  bool automatic = false, numbered = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    if (rest.starts_with("{{") || rest.starts_with("}}")) {
      pieces.back() += text[i++];
    } else if (rest.starts_with("{}") || rest.starts_with("{0}")) {
      const bool plain = rest[1] == '}';
      if (automatic || (plain && numbered)) {
        fail_template(text, "there is one label, and {} may stand in it once");
      }
      (plain ? automatic : numbered) = true;
      pieces.emplace_back();
      i += plain ? 1 : 2;
    } else if (text[i] == '{' || text[i] == '}') {
      fail_template(text, "expected {} or {0}, found a brace in another place");
    } else {
      pieces.back() += text[i];
    }
  }
  if (pieces.size() == 1) fail_template(text, "there is no place for the label");
  return pieces;
}

std::string hypothesis_of(std::span<const std::string> pieces, std::string_view label) {
  std::string text = pieces[0];
  for (const std::string& piece : pieces.subspan(1)) text.append(label).append(piece);
  return text;
}

std::vector<LabelScore> zero_shot_scores(const LabelLogits& logits,
                                         std::span<const std::string> names, bool multi_label,
                                         int top_k) {
  const std::size_t count = logits.entailment.size();
  std::vector<float> order = logits.entailment, scores(count);
  if (multi_label || count == 1) {
    // The softmax of two is the sigmoid of their difference. Labels are ordered by that: scores may saturate.
    for (std::size_t i = 0; i < count; ++i) {
      order[i] -= logits.contradiction[i];
      scores[i] = sigmoid(order[i]);
    }
  } else {
    softmax(order, scores);
  }
  std::vector<LabelScore> best;
  for (const int i : best_indices(order, top_k == 0 ? count : static_cast<std::size_t>(top_k))) {
    const auto at = static_cast<std::size_t>(i);
    best.push_back({names[at], scores[at], i});
  }
  return best;
}

}  // namespace tasks

namespace {

// What every job of the task needs; jobs may outlive their task.
struct ZeroShotRule {
  std::vector<std::string> labels;
  std::size_t entailment, contradiction;  // places in the model's logits
  bool multi_label;
  int top_k;
};

// One window for each label: the text and the label's hypothesis.
class ZeroShotJob final : public Job<Classification> {
 public:
  ZeroShotJob(const Model& of, std::vector<Encoding> windows,
              std::shared_ptr<const ZeroShotRule> rule)
      : Job(of, Output::head, std::move(windows)), rule_(std::move(rule)) {
    logits_.entailment.resize(encodings().size());
    logits_.contradiction.resize(encodings().size());
  }

 private:
  void read(std::size_t window, const MatrixView& logits) override {
    logits_.entailment[window] = logits.row(0)[rule_->entailment];
    logits_.contradiction[window] = logits.row(0)[rule_->contradiction];
  }

  Classification result() override {
    const bool truncated = std::any_of(encodings().begin(), encodings().end(),
                                       [](const Encoding& window) { return window.truncated; });
    return {tasks::zero_shot_scores(logits_, rule_->labels, rule_->multi_label, rule_->top_k),
            truncated};
  }

  std::shared_ptr<const ZeroShotRule> rule_;
  tasks::LabelLogits logits_;
};

std::shared_ptr<const ZeroShotRule> make_rule(const Model& model, const ZeroShotOptions& options) {
  tasks::require_head(model, HeadKind::sequence_classification, "zero-shot classification");
  const ModelConfig& config = model.config();
  const std::size_t count = config.labels.size();
  if (!config.entailment || count < 2) {
    tasks::throw_wrong_model(model, "zero-shot classification",
                             "a model trained on natural language inference, one of whose labels "
                             "in config.json is called entailment (label2id)");
  }
  const auto entailment = static_cast<std::size_t>(*config.entailment);
  if (entailment >= count) {
    throw Error(ErrorCode::mismatch,
                model.path().string() + ": config.json: label2id says that entailment has the id " +
                    std::to_string(entailment) + ", but the head has " + std::to_string(count) +
                    " labels: correct label2id");
  }
  if (options.labels.empty()) {
    throw Error(ErrorCode::invalid_argument, "labels: expected at least one to choose from");
  }
  tasks::require_at_least(options.top_k, 0, "top_k");
  return std::make_shared<const ZeroShotRule>(
      ZeroShotRule{.labels = options.labels,
                   .entailment = entailment,
                   .contradiction = entailment == 0 ? count - 1 : 0,
                   .multi_label = options.multi_label,
                   .top_k = options.top_k});
}

class ZeroShot final : public ZeroShotTask {
 public:
  ZeroShot(const Model& model, const ZeroShotOptions& options)
      : model_(model),
        rule_(make_rule(model, options)),
        encode_(tasks::without_offsets(model, options.length)) {
    model.tokenizer();
    const std::vector<std::string> pieces = tasks::template_pieces(options.hypothesis_template);
    for (const std::string& label : options.labels) {
      hypotheses_.push_back(tasks::hypothesis_of(pieces, label));
    }
  }

  JobResult job(const std::string_view& text, EncodeScratch& scratch) const override {
    return tasks::as_result([&] {
      std::vector<Encoding> windows;
      windows.reserve(hypotheses_.size());
      for (std::size_t i = 0; i < hypotheses_.size(); ++i)
        windows.push_back(window(text, i, scratch));
      return make(std::move(windows));
    });
  }

  JobResult job(const std::string_view&, std::vector<Encoding> windows) const override {
    return tasks::as_result([&] {
      if (windows.size() != hypotheses_.size()) {
        throw Error(ErrorCode::invalid_argument,
                    "the input needs " + std::to_string(hypotheses_.size()) +
                        " windows (one for each label), found " + std::to_string(windows.size()));
      }
      return make(
          tasks::given_windows(model_, std::move(windows), tasks::Reads::ids, hypotheses_.size()));
    });
  }

 private:
  // The text and the hypothesis of a label.
  Encoding window(std::string_view text, std::size_t label, EncodeScratch& scratch) const {
    try {
      return std::move(tasks::encode(model_, text, hypotheses_[label], encode_, scratch)[0]);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::too_long) throw;
      throw Error(ErrorCode::too_long,
                  "a text and the hypothesis of the label " + quote(rule_->labels[label]) +
                      " do not fit together: " + error.what() +
                      "; shorten the label or hypothesis_template where they are long");
    }
  }

  std::unique_ptr<Job<Classification>> make(std::vector<Encoding> windows) const {
    return std::make_unique<ZeroShotJob>(model_, std::move(windows), rule_);
  }

  Model model_;
  std::shared_ptr<const ZeroShotRule> rule_;
  std::vector<std::string> hypotheses_;  // of each label
  EncodeOptions encode_;
};

}  // namespace

std::shared_ptr<const ZeroShotTask> zero_shot_task(const Model& model,
                                                   const ZeroShotOptions& options) try {
  return std::make_shared<const ZeroShot>(model, options);
} catch (...) {
  throw_as_error();
}

std::vector<Result<Classification>> zero_shot(const Model& model,
                                              std::span<const std::string_view> texts,
                                              const ZeroShotOptions& options) try {
  return tasks::answer_all(model, *zero_shot_task(model, options), texts);
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
