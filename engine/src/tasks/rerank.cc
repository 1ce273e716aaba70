#include <algorithm>
#include <string>
#include <utility>

#include "base/border.h"
#include "graph/kernel_names.h"
#include "model_state.h"
#include "tasks/answer_all.h"
#include "tasks/rank.h"
#include "tasks/requirements.h"
#include "tasks/scores.h"
#include "tasks/vectors.h"

namespace sapwood {

namespace tasks {

std::vector<RankedText> rank(std::span<const float> logits, std::span<const float> scores) {
  std::vector<RankedText> ranking;
  ranking.reserve(logits.size());
  for (const int i : best_indices(logits, logits.size())) {
    ranking.push_back({i, scores[static_cast<std::size_t>(i)]});
  }
  return ranking;
}

}  // namespace tasks

namespace {

// A ranking with a text missing would mislead: the first error is the answer.
Error at_text(std::size_t i, const Error& error) {
  return Error(error.code(), "text " + std::to_string(i) + ": " + error.what());
}

bool any_truncated(std::span<const Encoding> windows) {
  return std::any_of(windows.begin(), windows.end(),
                     [](const Encoding& window) { return window.truncated; });
}

// Two labels that nobody named: the relevance of a text as its passage rerankers have it, of which the second one counts.
bool unnamed_pair(const std::vector<std::string>& labels) {
  return labels.size() == 2 && labels[0] == "LABEL_0" && labels[1] == "LABEL_1";
}

// One window for each pair of the query and a text.
class RerankPairs final : public Job<Ranking> {
 public:
  RerankPairs(const Model& of, std::vector<Encoding> windows, bool raw_scores)
      : Job(of, Output::head, std::move(windows)),
        raw_scores_(raw_scores),
        logits_(encodings().size()) {}

 private:
  void read(std::size_t window, const MatrixView& logits) override {
    const std::span<const float> row = logits.row(0);
    // The softmax of the second of two is the sigmoid of their difference.
    logits_[window] = row.size() == 1 ? row[0] : row[1] - row[0];
  }

  Ranking result() override {
    std::vector<float> scores = logits_;
    if (!raw_scores_) {
      for (float& score : scores) score = tasks::sigmoid(score);
    }
    return {tasks::rank(logits_, scores), any_truncated(encodings())};
  }

  bool raw_scores_;
  std::vector<float> logits_;  // of each text
};

// One window for the query, then one for each text.
class RerankEmbeddings final : public Job<Ranking> {
 public:
  RerankEmbeddings(const Model& of, std::vector<Encoding> windows, kernels::Pooling pooling)
      : Job(of, Output::hidden, std::move(windows)),
        pooling_(pooling),
        cols_(static_cast<std::size_t>(of.config().hidden)),
        vectors_(encodings().size() * cols_) {}

 private:
  std::span<float> vector(std::size_t window) {
    return std::span(vectors_).subspan(window * cols_, cols_);
  }

  void read(std::size_t window, const MatrixView& rows) override {
    state_of(model()).graph.kernels().pool(
        {rows.data, vector(window).data(), rows.rows, rows.cols, pooling_});
  }

  Ranking result() override {
    std::vector<float> scores;
    for (std::size_t i = 1; i < encodings().size(); ++i) {
      scores.push_back(tasks::cosine(vector(0), vector(i)));
    }
    return {tasks::rank(scores, scores), any_truncated(encodings())};
  }

  kernels::Pooling pooling_;
  std::size_t cols_;
  std::vector<float> vectors_;  // [windows, hidden]
};

class Rerank final : public RerankTask {
 public:
  Rerank(const Model& model, const RerankOptions& options)
      : model_(model), raw_scores_(options.raw_scores) {
    const ModelConfig& config = model.config();
    pairs_ = config.head == HeadKind::sequence_classification &&
             (config.labels.size() == 1 || unnamed_pair(config.labels));
    // Hidden states under another task's head were not trained to be compared.
    const HeadKind head = config.head == HeadKind::none ? config.missing_head : config.head;
    const bool pretrained = head == HeadKind::none || head == HeadKind::masked_lm ||
                            head == HeadKind::replaced_token_detection;
    if (!pairs_ && !pretrained && !config.sentence) {
      tasks::throw_wrong_model(
          model, "rerank",
          "a cross-encoder (a sequence_classification head of 1 label, or of 2 "
          "called LABEL_0 and LABEL_1) or an encoder that makes embeddings");
    }
    model.tokenizer();
    pooling_ = config.sentence.value_or(SentenceConfig{}).pooling;
    if (pooling_ == PoolingMode::none)
      pooling_ = PoolingMode::mean;  // texts are compared, not tokens
    encode_ = tasks::without_offsets(model, options.length);
  }

  JobResult job(const RerankInput& input, EncodeScratch& scratch) const override {
    return tasks::as_result([&] {
      std::vector<Encoding> windows;
      if (!pairs_) windows.push_back(query(input.query, scratch));
      const std::size_t first = windows.size();
      windows.resize(first + input.texts.size());
      std::vector<std::optional<Error>> errors(input.texts.size());
      tasks::for_each_input(model_, input.texts.size(), [&](std::size_t i, EncodeScratch& own) {
        const TextInput text =
            pairs_ ? TextInput{input.query, input.texts[i]} : TextInput{input.texts[i]};
        try {
          windows[first + i] = std::move(tasks::encode(model_, text, encode_, own)[0]);
        } catch (const Error& error) {
          if (error.code() == ErrorCode::out_of_memory) throw;
          errors[i] = at_text(i, error);
        }
      });
      for (const std::optional<Error>& error : errors) {
        if (error) throw Error(*error);
      }
      return make(std::move(windows));
    });
  }

  JobResult job(const RerankInput& input, std::vector<Encoding> windows) const override {
    return tasks::as_result([&] {
      const std::size_t wanted = input.texts.size() + (pairs_ ? 0 : 1);
      if (windows.size() != wanted) {
        throw Error(ErrorCode::invalid_argument,
                    "the input needs " + std::to_string(wanted) + " windows (" +
                        (pairs_ ? "one for each pair of the query and a text"
                                : "one for the query, then one for each text") +
                        "), found " + std::to_string(windows.size()));
      }
      if (windows.empty()) return make({});
      return make(tasks::given_windows(model_, std::move(windows), tasks::Reads::ids, wanted));
    });
  }

 private:
  Encoding query(std::string_view text, EncodeScratch& scratch) const {
    try {
      return std::move(tasks::encode(model_, text, encode_, scratch)[0]);
    } catch (const Error& error) {
      throw Error(error.code(), std::string("query: ") + error.what());
    }
  }

  std::unique_ptr<Job<Ranking>> make(std::vector<Encoding> windows) const {
    if (pairs_) return std::make_unique<RerankPairs>(model_, std::move(windows), raw_scores_);
    return std::make_unique<RerankEmbeddings>(model_, std::move(windows), kernel_pooling(pooling_));
  }

  Model model_;
  bool raw_scores_, pairs_ = false;
  PoolingMode pooling_ = PoolingMode::mean;
  EncodeOptions encode_;
};

}  // namespace

std::shared_ptr<const RerankTask> rerank_task(const Model& model,
                                              const RerankOptions& options) try {
  return std::make_shared<const Rerank>(model, options);
} catch (...) {
  throw_as_error();
}

Result<Ranking> rerank(const Model& model, std::string_view query,
                       std::span<const std::string_view> texts, const RerankOptions& options) try {
  const RerankInput input{query, texts};
  return tasks::answer_all(model, *rerank_task(model, options), std::span(&input, 1))[0];
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
