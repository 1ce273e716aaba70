#include <string>
#include <utility>

#include "base/border.h"
#include "tasks/answer_all.h"
#include "tasks/prompts.h"
#include "tasks/sentence_vectors.h"

namespace sapwood {

namespace {

// What the jobs of one task share.
struct Plan {
  Plan(const Model& model, const EmbedOptions& options)
      : vectors(model, options),
        prompt(tasks::find_prompt(model, options.prompt, options.prompt_name)),
        encode(tasks::without_offsets(model, options.length)) {
    model.tokenizer();  // throws where there is none
    skip = tasks::unpooled_tokens(model, prompt, encode);
  }

  tasks::SentenceVectors vectors;
  std::string prompt;
  EncodeOptions encode;
  int skip = 0;  // tokens that are not pooled
};

// A text of static embeddings that has no token but the row of zeros.
bool has_no_tokens(const Model& model, const Encoding& encoding) {
  return model.config().static_embedding && encoding.ids[0] == model.config().vocab_size - 1;
}

class EmbedJob final : public Job<Embedding> {
 public:
  EmbedJob(const Model& of, std::vector<Encoding> windows, const tasks::SentenceVectors& vectors,
           int skip)
      : Job(of, Output::hidden, std::move(windows)),
        vectors_(vectors),
        skip_(skip),
        scratch_(vectors.scratch()) {
    value_.truncated = encodings()[0].truncated;
  }

 private:
  void read(std::size_t, const MatrixView& rows) override {
    if (vectors_.per_token()) {
      value_.dim = vectors_.width();
      if (has_no_tokens(model(), encodings()[0])) return;
      value_.rows = rows.rows;
      value_.values.resize(static_cast<std::size_t>(rows.rows) *
                           static_cast<std::size_t>(value_.dim));
      vectors_.make_tokens(rows, value_.values);
      require_finite(value_.values);
      value_.ids = encodings()[0].ids;
      return;
    }
    value_.dim = vectors_.width();
    value_.rows = 1;
    value_.values.resize(static_cast<std::size_t>(value_.dim));
    vectors_.make(rows, skip_, scratch_, value_.values);
    require_finite(value_.values);
  }
  Embedding result() override { return std::move(value_); }

  tasks::SentenceVectors vectors_;
  int skip_;
  std::vector<float> scratch_;
  Embedding value_;
};

// Into a row of memory that others own.
class EmbedIntoJob final : public Job<EmbeddedRow> {
 public:
  EmbedIntoJob(const Model& of, std::vector<Encoding> windows, const Plan& plan,
               std::span<float> to)
      : Job(of, Output::hidden, std::move(windows)),
        plan_(plan),
        scratch_(plan.vectors.scratch()),
        to_(to) {}

 private:
  void read(std::size_t, const MatrixView& rows) override {
    plan_.vectors.make(rows, plan_.skip, scratch_, to_);
    require_finite(to_);
  }
  EmbeddedRow result() override {
    return {static_cast<int>(encodings()[0].size()), encodings()[0].truncated};
  }

  const Plan& plan_;  // of the call that waits for the job
  std::vector<float> scratch_;
  std::span<float> to_;
};

class Embed final : public EmbedTask {
 public:
  Embed(const Model& model, const EmbedOptions& options) : model_(model), plan_(model, options) {}

  JobResult job(const TextInput& input, EncodeScratch& scratch) const override {
    return tasks::as_result([&] {
      return make(tasks::encode_behind(model_, plan_.prompt, input, plan_.encode, scratch),
                  plan_.skip);
    });
  }

  JobResult job(const TextInput&, std::vector<Encoding> windows) const override {
    return tasks::as_result([&] {
      return make(tasks::given_windows(model_, std::move(windows), tasks::Reads::ids, 1), 0);
    });
  }

 private:
  std::unique_ptr<Job<Embedding>> make(std::vector<Encoding> windows, int skip) const {
    return std::make_unique<EmbedJob>(model_, std::move(windows), plan_.vectors, skip);
  }

  Model model_;
  Plan plan_;
};

}  // namespace

std::shared_ptr<const EmbedTask> embed_task(const Model& model, const EmbedOptions& options) try {
  return std::make_shared<const Embed>(model, options);
} catch (...) {
  throw_as_error();
}

int embedding_size(const Model& model, const EmbedOptions& options) try {
  return tasks::SentenceVectors(model, options).width();
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
  const Plan plan(model, options);
  if (plan.vectors.per_token()) {
    throw Error(
        ErrorCode::invalid_argument,
        "embed_into writes one vector a text; with pooling none there is one a token: use embed");
  }
  const auto cols = static_cast<std::size_t>(plan.vectors.width());
  if (out.size() / cols != inputs.size() || out.size() % cols != 0) {
    throw Error(ErrorCode::invalid_argument, "out: expected [" + std::to_string(inputs.size()) +
                                                 ", " + std::to_string(cols) + "] numbers, " +
                                                 std::to_string(inputs.size() * cols) +
                                                 " in all, found " + std::to_string(out.size()));
  }
  return tasks::answer_all<EmbeddedRow>(
      model, inputs.size(), [&](std::size_t i, EncodeScratch& scratch) {
        return tasks::as_result([&]() -> std::unique_ptr<Job<EmbeddedRow>> {
          return std::make_unique<EmbedIntoJob>(
              model, tasks::encode_behind(model, plan.prompt, inputs[i], plan.encode, scratch),
              plan, out.subspan(i * cols, cols));
        });
      });
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
