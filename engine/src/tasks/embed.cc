#include <string>
#include <utility>

#include "base/border.h"
#include "graph/kernel_names.h"
#include "model_state.h"
#include "tasks/answer_all.h"
#include "tasks/one_window.h"
#include "tasks/vectors.h"

namespace sapwood {

namespace {

// What becomes of the hidden states of a text.
struct Pooled {
  PoolingMode pooling;
  bool normalize;

  Pooled(const Model& model, const EmbedOptions& options) {
    const SentenceConfig sentence = model.config().sentence.value_or(SentenceConfig{});
    pooling = options.pooling.value_or(sentence.pooling);
    normalize = options.normalize.value_or(sentence.normalize);
  }

  // Hidden states [tokens, hidden] to one vector [hidden].
  void pool(const Model& model, const MatrixView& rows, std::span<float> to) const {
    state_of(model).graph.kernels().pool(
        {rows.data, to.data(), rows.rows, rows.cols, kernel_pooling(pooling)});
    if (normalize) tasks::normalize(to);
  }
};

class EmbedJob final : public Job<Embedding> {
 public:
  EmbedJob(const Model& of, std::vector<Encoding> windows, const Pooled& pooled)
      : Job(of, Output::hidden, std::move(windows)), pooled_(pooled) {
    value_.truncated = encodings()[0].truncated;
  }

 private:
  void read(std::size_t, const MatrixView& rows) override {
    value_.dim = rows.cols;
    if (pooled_.pooling == PoolingMode::none) {
      value_.rows = rows.rows;
      value_.values.assign(rows.data, rows.data + static_cast<std::size_t>(rows.rows) *
                                                      static_cast<std::size_t>(rows.cols));
      value_.ids = encodings()[0].ids;
      return;
    }
    value_.rows = 1;
    value_.values.resize(static_cast<std::size_t>(rows.cols));
    pooled_.pool(model(), rows, value_.values);
  }
  Embedding result() override { return std::move(value_); }

  Pooled pooled_;
  Embedding value_;
};

// Into a row of memory that others own.
class EmbedIntoJob final : public Job<EmbeddedRow> {
 public:
  EmbedIntoJob(const Model& of, std::vector<Encoding> windows, const Pooled& pooled,
               std::span<float> to)
      : Job(of, Output::hidden, std::move(windows)), pooled_(pooled), to_(to) {}

 private:
  void read(std::size_t, const MatrixView& rows) override { pooled_.pool(model(), rows, to_); }
  EmbeddedRow result() override {
    return {static_cast<int>(encodings()[0].size()), encodings()[0].truncated};
  }

  Pooled pooled_;
  std::span<float> to_;
};

class Embed final : public tasks::OneWindowTask<TextInput, Embedding> {
 public:
  Embed(const Model& model, const EmbedOptions& options)
      : OneWindowTask(model, options.length), pooled_(model, options) {}

 private:
  std::unique_ptr<Job<Embedding>> make(std::vector<Encoding> windows) const override {
    return std::make_unique<EmbedJob>(model(), std::move(windows), pooled_);
  }

  Pooled pooled_;
};

}  // namespace

std::shared_ptr<const EmbedTask> embed_task(const Model& model, const EmbedOptions& options) try {
  return std::make_shared<const Embed>(model, options);
} catch (...) {
  throw_as_error();
}

std::vector<Result<Embedding>> embed(const Model& model, std::span<const TextInput> inputs,
                                     const EmbedOptions& options) try {
  return tasks::answer_all(model, *embed_task(model, options), inputs);
} catch (...) {
  throw_as_error();
}

std::vector<Result<EmbeddedRow>> embed_into(const Model& model, std::span<const TextInput> inputs,
                                            std::span<float> out, const EmbedOptions& options) try {
  const Pooled pooled(model, options);
  if (pooled.pooling == PoolingMode::none) {
    throw Error(
        ErrorCode::invalid_argument,
        "embed_into writes one vector a text; with pooling none there is one a token: use embed");
  }
  const auto cols = static_cast<std::size_t>(model.config().hidden);
  if (out.size() / cols != inputs.size() || out.size() % cols != 0) {
    throw Error(ErrorCode::invalid_argument, "out: expected [" + std::to_string(inputs.size()) +
                                                 ", " + std::to_string(cols) + "] numbers, " +
                                                 std::to_string(inputs.size() * cols) +
                                                 " in all, found " + std::to_string(out.size()));
  }
  model.tokenizer();
  const EncodeOptions encode = tasks::without_offsets(model, options.length);
  return tasks::answer_all<EmbeddedRow>(
      model, inputs.size(), [&](std::size_t i, EncodeScratch& scratch) {
        return tasks::as_result([&]() -> std::unique_ptr<Job<EmbeddedRow>> {
          return std::make_unique<EmbedIntoJob>(model,
                                                tasks::encode(model, inputs[i], encode, scratch),
                                                pooled, out.subspan(i * cols, cols));
        });
      });
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
