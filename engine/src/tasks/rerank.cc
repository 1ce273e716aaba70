#include <algorithm>
#include <string>
#include <utility>

#include "base/border.h"
#include "tasks/answer_all.h"
#include "tasks/prompts.h"
#include "tasks/rank.h"
#include "tasks/requirements.h"
#include "tasks/scores.h"
#include "tasks/sentence_vectors.h"
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
  RerankPairs(const Model& of, std::vector<Encoding> windows, PairScore score)
      : Job(of, Output::head, std::move(windows)), score_(score), logits_(encodings().size()) {}

 private:
  void read(std::size_t window, const MatrixView& logits) override {
    const std::span<const float> row = logits.row(0);
    // The softmax of the second of two is the sigmoid of their difference.
    logits_[window] = row.size() == 1 ? row[0] : row[1] - row[0];
  }

  Ranking result() override {
    std::vector<float> scores = logits_;
    if (score_ == PairScore::sigmoid) {
      for (float& score : scores) score = tasks::sigmoid(score);
    }
    return {tasks::rank(logits_, scores), any_truncated(encodings())};
  }

  PairScore score_;
  std::vector<float> logits_;  // of each text
};

// How an encoder ranks.
struct Comparison {
  tasks::SentenceVectors vectors;
  Similarity similarity;
  int query_skip = 0, text_skip = 0;  // tokens of the prompts that are not pooled
};

// One window for the query, then one for each text.
class RerankEmbeddings final : public Job<Ranking> {
 public:
  RerankEmbeddings(const Model& of, std::vector<Encoding> windows, const Comparison& comparison)
      : Job(of, Output::hidden, std::move(windows)),
        comparison_(comparison),
        cols_(static_cast<std::size_t>(comparison.vectors.width())),
        vectors_(encodings().size() * cols_) {}

 private:
  std::span<float> vector(std::size_t window) {
    return std::span(vectors_).subspan(window * cols_, cols_);
  }

  void read(std::size_t window, const MatrixView& rows) override {
    std::vector<float> scratch(comparison_.vectors.scratch());
    comparison_.vectors.make(rows, window == 0 ? comparison_.query_skip : comparison_.text_skip,
                             scratch, vector(window));
    require_finite(vector(window));
  }

  Ranking result() override {
    std::vector<float> scores;
    for (std::size_t i = 1; i < encodings().size(); ++i) {
      scores.push_back(tasks::similarity(comparison_.similarity, vector(0), vector(i)));
    }
    return {tasks::rank(scores, scores), any_truncated(encodings())};
  }

  Comparison comparison_;
  std::size_t cols_;
  std::vector<float> vectors_;  // [windows, numbers of one]
};

// A cosine divides by the lengths, so that vectors need not be of length 1 for it.
EmbedOptions vectors_to_compare(const ModelConfig& config) {
  EmbedOptions options;
  const bool cosine = !config.sentence || config.sentence->similarity == Similarity::cosine;
  if (cosine) options.normalize = false;
  return options;
}

class Rerank final : public RerankTask {
 public:
  Rerank(const Model& model, const RerankOptions& options)
      : model_(model), score_(options.scores.value_or(model.config().pair_score)) {
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
    encode_ = tasks::without_offsets(model, options.length);
    if (pairs_) {
      query_prompt_ = tasks::find_prompt(model, options.query_prompt, std::nullopt);
      if (!options.text_prompt || options.text_prompt->empty()) return;
      throw Error(ErrorCode::invalid_argument,
                  "text prompt: a cross-encoder has a prompt before the query alone");
    }
    query_prompt_ = options.query_prompt ? *options.query_prompt : tasks::query_prompt(model);
    text_prompt_ = options.text_prompt ? *options.text_prompt : tasks::document_prompt(model);
    comparison_.emplace(
        Comparison{.vectors = {model, vectors_to_compare(config)},
                   .similarity = config.sentence ? config.sentence->similarity : Similarity::cosine,
                   .query_skip = tasks::unpooled_tokens(model, query_prompt_, encode_),
                   .text_skip = tasks::unpooled_tokens(model, text_prompt_, encode_)});
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
          const std::string& prompt = pairs_ ? query_prompt_ : text_prompt_;
          windows[first + i] =
              std::move(tasks::encode_behind(model_, prompt, text, encode_, own)[0]);
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
      return std::move(
          tasks::encode_behind(model_, query_prompt_, TextInput{text}, encode_, scratch)[0]);
    } catch (const Error& error) {
      throw Error(error.code(), std::string("query: ") + error.what());
    }
  }

  std::unique_ptr<Job<Ranking>> make(std::vector<Encoding> windows) const {
    if (pairs_) return std::make_unique<RerankPairs>(model_, std::move(windows), score_);
    return std::make_unique<RerankEmbeddings>(model_, std::move(windows), *comparison_);
  }

  Model model_;
  PairScore score_;
  bool pairs_ = false;
  EncodeOptions encode_;
  std::string query_prompt_, text_prompt_;
  std::optional<Comparison> comparison_;  // of an encoder
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
