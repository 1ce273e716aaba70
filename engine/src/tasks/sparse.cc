// One sparse vector a text, over the vocabulary: sentence-transformers' SparseEncoder.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/border.h"
#include "model_state.h"
#include "tasks/answer_all.h"
#include "tasks/prompts.h"
#include "tasks/requirements.h"
#include "tasks/vectors.h"
#include "weights/weight_table.h"

namespace sapwood {
namespace {

// The numbers that are not zero, by index; of more than `most` the largest.
SparseEmbedding keep(std::span<const float> values, std::optional<int> most, bool truncated) {
  SparseEmbedding kept{.truncated = truncated};
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] != 0) kept.values.push_back({static_cast<std::int32_t>(i), values[i]});
  }
  if (!most || kept.values.size() <= static_cast<std::size_t>(*most)) return kept;
  const auto larger = [](const SparseValue& a, const SparseValue& b) {
    const float x = std::abs(a.value), y = std::abs(b.value);
    return x > y || (x == y && a.index < b.index);
  };
  std::nth_element(kept.values.begin(), kept.values.begin() + *most, kept.values.end(), larger);
  kept.values.resize(static_cast<std::size_t>(*most));
  std::sort(kept.values.begin(), kept.values.end(),
            [](const SparseValue& a, const SparseValue& b) { return a.index < b.index; });
  return kept;
}

// SpladePooling over the logits of all tokens.
class SpladeJob final : public Job<SparseEmbedding> {
 public:
  SpladeJob(const Model& of, std::vector<Encoding> windows,
            std::vector<std::vector<std::int32_t>> all_rows, const SparseConfig& config,
            std::optional<int> most)
      : Job(of, Output::head, std::move(windows), std::move(all_rows)),
        config_(config),
        most_(most) {}

 private:
  void read(std::size_t, const MatrixView& logits) override {
    std::vector<float> values(static_cast<std::size_t>(logits.cols));
    // Pooling hides a NaN. A weight that is one makes those of a whole row or column so.
    require_finite(logits.row(0));
    for (int row = 1; row < logits.rows; ++row) require_finite(logits.row(row).first(1));
    if (config_.sum) {
      for (int row = 0; row < logits.rows; ++row) {
        const std::span<const float> of_token = logits.row(row);
        for (std::size_t i = 0; i < values.size(); ++i) values[i] += activation(of_token[i]);
      }
    } else {
      // The activation does not fall where its argument rises: it is the same for the largest.
      state_of(model()).graph.kernels().pool(
          {logits.data, values.data(), logits.rows, logits.cols, kernels::Pooling::max});
      for (float& value : values) value = activation(value);
    }
    require_finite(values);
    value_ = keep(values, most_, encodings()[0].truncated);
  }
  SparseEmbedding result() override { return std::move(value_); }

  float activation(float logit) const {
    if (!(logit > 0)) return 0;
    const float once = std::log1p(logit);
    return config_.log_twice ? std::log1p(once) : once;
  }

  SparseConfig config_;
  std::optional<int> most_;
  SparseEmbedding value_;
};

// A text whose vector needs no encoder: nothing is run.
class WeightsJob final : public Job<SparseEmbedding> {
 public:
  WeightsJob(const Model& of, SparseEmbedding value)
      : Job(of, Output::head, {}), value_(std::move(value)) {}

 private:
  void read(std::size_t, const MatrixView&) override {}
  SparseEmbedding result() override { return std::move(value_); }

  SparseEmbedding value_;
};

SparseConfig sparse_config(const Model& model) {
  tasks::require_head(model, HeadKind::masked_lm, "sparse embedding");
  const auto& sentence = model.config().sentence;
  // A masked-LM model alone makes the vectors that SparseEncoder makes of it.
  if (!sentence) return {};
  if (sentence->sparse) return *sentence->sparse;
  throw Error(ErrorCode::unsupported,
              model.path().string() + ": modules.json says nothing of sparse vectors" +
                  (sentence->unsupported.empty() ? "" : " (" + sentence->unsupported + ")"));
}

class Sparse final : public SparseTask {
 public:
  Sparse(const Model& model, const SparseOptions& options)
      : model_(model),
        config_(sparse_config(model)),
        encode_(tasks::without_offsets(model, options.length)) {
    model.tokenizer();  // throws where there is none
    most_ = options.max_active_dims ? options.max_active_dims : config_.max_active_dims;
    if (most_) tasks::require_at_least(*most_, 1, "max_active_dims");
    const Route route = options.route.value_or(config_.default_route);
    prompt_ = options.prompt || options.prompt_name || !options.route
                  ? tasks::find_prompt(model, options.prompt, options.prompt_name)
              : route == Route::query ? tasks::query_prompt(model)
                                      : tasks::document_prompt(model);
    if (route == Route::document || config_.query_path.empty()) return;
    weights_ =
        reinterpret_cast<const float*>(state_of(model).parts.weights.find(kSparseQueryName)->data);
    encode_.add_special_tokens = false;
  }

  JobResult job(const TextInput& input, EncodeScratch& scratch) const override {
    return tasks::as_result([&] {
      if (weights_ == nullptr) {
        return make(tasks::encode_behind(model_, prompt_, input, encode_, scratch));
      }
      if (input.pair) {
        throw Error(ErrorCode::invalid_argument, "a query is one text, found a pair");
      }
      Encoding encoding;
      model_.tokenizer().encode_into(encoding, scratch, prompt_ + std::string(input.text), encode_);
      return weigh(encoding);
    });
  }

  JobResult job(const TextInput&, std::vector<Encoding> windows) const override {
    return tasks::as_result([&] {
      auto given = tasks::given_windows(model_, std::move(windows), tasks::Reads::ids, 1);
      return weights_ == nullptr ? make(std::move(given)) : weigh(given[0]);
    });
  }

 private:
  std::unique_ptr<Job<SparseEmbedding>> make(std::vector<Encoding> windows) const {
    std::vector<std::vector<std::int32_t>> all_rows(1);
    for (std::size_t i = 0; i < windows[0].size(); ++i) {
      all_rows[0].push_back(static_cast<std::int32_t>(i));
    }
    return std::make_unique<SpladeJob>(model_, std::move(windows), std::move(all_rows), config_,
                                       most_);
  }

  // SparseStaticEmbedding: the weight of each token that the text has, however often.
  std::unique_ptr<Job<SparseEmbedding>> weigh(const Encoding& encoding) const {
    std::vector<float> values(static_cast<std::size_t>(model_.config().vocab_size));
    for (const std::int32_t id : encoding.ids) {
      if (id < 0 || id >= model_.config().vocab_size) {
        throw Error(ErrorCode::mismatch, "the tokenizer gave token id " + std::to_string(id) +
                                             ", but the model has weights of " +
                                             std::to_string(values.size()) + " tokens");
      }
      values[static_cast<std::size_t>(id)] = weights_[id];
    }
    if (!tasks::all_finite(values)) tasks::throw_not_finite(model_);
    return std::make_unique<WeightsJob>(model_, keep(values, most_, encoding.truncated));
  }

  Model model_;
  SparseConfig config_;
  EncodeOptions encode_;
  std::string prompt_;
  std::optional<int> most_;
  const float* weights_ = nullptr;  // of a query's tokens; the model's
};

}  // namespace

std::shared_ptr<const SparseTask> sparse_embed_task(const Model& model,
                                                    const SparseOptions& options) try {
  return std::make_shared<const Sparse>(model, options);
} catch (...) {
  throw_as_error();
}

std::vector<Result<SparseEmbedding>> sparse_embed(const Model& model,
                                                  std::span<const TextInput> inputs,
                                                  const SparseOptions& options) try {
  return tasks::answer_all(model, *sparse_embed_task(model, options), inputs);
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
