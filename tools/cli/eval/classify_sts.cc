#include <charconv>

#include "base/quote.h"
#include "eval/chunks.h"
#include "eval/datasets.h"
#include "eval/metrics.h"

namespace sapwood::cli {
namespace {

// Raw logits by label id. classify() sorts labels by score; names are unique in a checked config.
std::vector<std::vector<double>> logits(const Model& model, std::span<const TextInput> inputs,
                                        const EvalOptions& options, std::size_t& truncated) {
  const std::vector<std::string>& names = model.config().labels;
  const ClassifyOptions classify_options{0, ScoreFunction::none, options.length};
  std::vector<std::vector<double>> rows;
  in_chunks(inputs.size(), options, [&](std::size_t begin, std::size_t end) {
    for (auto& result : classify(model, inputs.subspan(begin, end - begin), classify_options)) {
      std::vector<double>& row = rows.emplace_back(names.size());
      const Classification one = example_value(std::move(result), rows.size() - 1);
      truncated += one.truncated;
      for (const LabelScore& label : one.labels) {
        const auto at = std::find(names.begin(), names.end(), label.label);
        row.at(static_cast<std::size_t>(at - names.begin())) = label.score;
      }
    }
  });
  return rows;
}

// "dev.tsv: example 3: ", before what is wrong with it.
std::string where(const EvalOptions& options, std::size_t index) {
  return printable(options.file) + ": example " + std::to_string(index + 1) + ": ";
}

int label_id(const std::string& label, const std::vector<std::string>& names,
             const std::string& place) {
  const auto named = std::find(names.begin(), names.end(), label);
  if (named != names.end()) return static_cast<int>(named - names.begin());
  int id = -1;
  const auto [stop, error] = std::from_chars(label.data(), label.data() + label.size(), id);
  if (error != std::errc() || stop != label.data() + label.size() || id < 0 ||
      static_cast<std::size_t>(id) >= names.size()) {
    throw Error(ErrorCode::mismatch,
                place + "the label \"" + printable(label) + "\" is neither one of the model's " +
                    std::to_string(names.size()) + " label names nor a label id");
  }
  return id;
}

double label_number(const std::string& label, const std::string& place) {
  double value = 0;
  const auto [stop, error] = std::from_chars(label.data(), label.data() + label.size(), value);
  if (error != std::errc() || stop != label.data() + label.size()) {
    throw Error(
        ErrorCode::mismatch,
        place + "a regression model needs numbers as labels, found \"" + printable(label) + "\"");
  }
  return value;
}

bool is_regression(const Model& model) {
  const ModelConfig& config = model.config();
  return config.head == HeadKind::sequence_classification && config.labels.size() == 1;
}

}  // namespace

std::vector<std::vector<float>> embed_all(const Model& model, const std::vector<std::string>& texts,
                                          const EvalOptions& options, std::size_t& truncated) {
  std::vector<TextInput> inputs;
  for (const std::string& text : texts) inputs.push_back({text});
  EmbedOptions embed_options;
  embed_options.length = options.length;
  std::vector<std::vector<float>> rows;
  in_chunks(inputs.size(), options, [&](std::size_t begin, std::size_t end) {
    const std::span<const TextInput> part(inputs.data() + begin, end - begin);
    for (auto& result : embed(model, part, embed_options)) {
      Embedding embedding = example_value(std::move(result), rows.size());
      truncated += embedding.truncated;
      rows.push_back(std::move(embedding.values));
    }
  });
  return rows;
}

Evaluation evaluate_classify(const Model& model, const EvalOptions& options) {
  std::vector<LabelledText> examples = read_labelled(options.file);
  keep_first(examples, options.limit);
  std::vector<TextInput> inputs;
  for (const LabelledText& example : examples) inputs.push_back({example.text, example.pair});
  Evaluation evaluation;
  evaluation.n = examples.size();
  const auto rows = logits(model, inputs, options, evaluation.truncated);
  if (is_regression(model)) {
    std::vector<double> predicted, gold;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      predicted.push_back(rows[i][0]);
      gold.push_back(label_number(examples[i].label, where(options, i)));
    }
    evaluation.metrics = {{"pearson", pearson(predicted, gold)},
                          {"spearman", spearman(predicted, gold)}};
    return evaluation;
  }
  std::vector<int> predicted, gold;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto best = std::max_element(rows[i].begin(), rows[i].end());
    predicted.push_back(static_cast<int>(best - rows[i].begin()));
    gold.push_back(label_id(examples[i].label, model.config().labels, where(options, i)));
  }
  const int classes = static_cast<int>(model.config().labels.size());
  evaluation.metrics = {{"accuracy", accuracy(predicted, gold)},
                        {"f1", f1(predicted, gold, classes)},
                        {"matthews", matthews(predicted, gold)}};
  return evaluation;
}

Evaluation evaluate_sts(const Model& model, const EvalOptions& options) {
  std::vector<ScoredPair> pairs = read_scored_pairs(options.file);
  keep_first(pairs, options.limit);
  Evaluation evaluation;
  evaluation.n = pairs.size();
  std::vector<double> predicted, gold;
  for (const ScoredPair& pair : pairs) gold.push_back(pair.score);
  if (is_regression(model)) {
    std::vector<TextInput> inputs;
    for (const ScoredPair& pair : pairs) inputs.push_back({pair.a, pair.b});
    for (const auto& row : logits(model, inputs, options, evaluation.truncated)) {
      predicted.push_back(row[0]);
    }
  } else {
    std::vector<std::string> texts;
    for (ScoredPair& pair : pairs) {
      texts.push_back(std::move(pair.a));
      texts.push_back(std::move(pair.b));
    }
    const auto vectors = embed_all(model, texts, options, evaluation.truncated);
    for (std::size_t i = 0; i < vectors.size(); i += 2) {
      predicted.push_back(cosine(vectors[i], vectors[i + 1]));
    }
  }
  evaluation.metrics = {{"pearson", pearson(predicted, gold)},
                        {"spearman", spearman(predicted, gold)}};
  return evaluation;
}

}  // namespace sapwood::cli
