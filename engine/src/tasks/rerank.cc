#include <algorithm>
#include <string>
#include <utility>

#include "base/border.h"
#include "sapwood/tasks.h"
#include "tasks/encoded_inputs.h"
#include "tasks/rank.h"
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

Result<Ranking> rerank_pairs(const Model& model, std::string_view query,
                             std::span<const std::string_view> texts,
                             const RerankOptions& options) {
  std::vector<TextInput> pairs;
  pairs.reserve(texts.size());
  for (const std::string_view text : texts) pairs.push_back({query, text});
  const auto classified = classify(model, pairs, {1, ScoreFunction::none, options.length});
  Ranking ranking;
  std::vector<float> logits, scores;
  for (std::size_t i = 0; i < classified.size(); ++i) {
    if (!classified[i]) return at_text(i, classified[i].error());
    const float logit = classified[i].value().labels[0].score;
    logits.push_back(logit);
    scores.push_back(options.raw_scores ? logit : tasks::sigmoid(logit));
    ranking.truncated |= classified[i].value().truncated;
  }
  ranking.texts = tasks::rank(logits, scores);
  return ranking;
}

Result<Ranking> rerank_embeddings(const Model& model, std::string_view query,
                                  std::span<const std::string_view> texts,
                                  const RerankOptions& options) {
  std::vector<TextInput> inputs = {{query}};
  for (const std::string_view text : texts) inputs.push_back({text});
  PoolingMode pooling = model.config().sentence.value_or(SentenceConfig{}).pooling;
  if (pooling == PoolingMode::none) pooling = PoolingMode::mean;  // texts are compared, not tokens
  const auto embedded = embed(model, inputs, {pooling, false, options.length});
  if (!embedded[0]) {
    return Error(embedded[0].error().code(), std::string("query: ") + embedded[0].error().what());
  }
  const Embedding& target = embedded[0].value();
  Ranking ranking;
  ranking.truncated = target.truncated;
  std::vector<float> scores;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (!embedded[i + 1]) return at_text(i, embedded[i + 1].error());
    const Embedding& text = embedded[i + 1].value();
    scores.push_back(tasks::cosine(target.values, text.values));
    ranking.truncated |= text.truncated;
  }
  ranking.texts = tasks::rank(scores, scores);
  return ranking;
}

}  // namespace

Result<Ranking> rerank(const Model& model, std::string_view query,
                       std::span<const std::string_view> texts, const RerankOptions& options) try {
  const ModelConfig& config = model.config();
  if (config.head == HeadKind::sequence_classification && config.labels.size() == 1) {
    return rerank_pairs(model, query, texts, options);
  }
  // Hidden states under another task's head were not trained to be compared.
  if (config.head != HeadKind::none && config.head != HeadKind::masked_lm && !config.sentence) {
    tasks::throw_wrong_model(model, "rerank",
                             "a cross-encoder (a sequence_classification head of 1 label) or an "
                             "encoder that makes embeddings");
  }
  return rerank_embeddings(model, query, texts, options);
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
