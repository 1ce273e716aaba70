// The tasks as objects, for services: inputs of different tasks, options and callers share one run, and
// may be stopped or dropped at any point of their way.
//
//   const auto task = sapwood::ner_task(model, options);     // model and options, checked once
//   sapwood::EncodeScratch scratch;
//   const auto job = task->job(text, scratch).value();       // one input, encoded into its windows
//   for (const sapwood::Sequence& window : job->windows()) session.add(window);
//   session.run(job->output());
//   for (std::size_t i = 0; i < job->windows().size(); ++i) job->take(i, session.rows(job->output(), i));
//   const sapwood::Entities answer = job->finish();
//
// The functions in tasks.h do this for many inputs at once.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "sapwood/export.h"
#include "sapwood/model.h"
#include "sapwood/result.h"
#include "sapwood/sequence.h"
#include "sapwood/tasks.h"

namespace sapwood {

// One input of a task, from its tokens to its answer, once. It keeps its model alive, and views the characters
// of its input, which the caller keeps until finish().
class SAPWOOD_API TaskJob {
 public:
  virtual ~TaskJob();
  TaskJob(const TaskJob&) = delete;
  TaskJob& operator=(const TaskJob&) = delete;

  // What has to be run: of a long text one for each of its windows, of a query and its texts one for each
  // pair or each of them. Valid as long as the job. (None only for a query without texts.)
  std::span<const Sequence> windows() const noexcept { return windows_; }
  // What has to run them.
  const Model& model() const noexcept { return model_; }
  // Which of a run's results take() wants.
  Output output() const noexcept { return output_; }

  // The rows of one window, in any order of the windows, each once; they are read before it returns. Several
  // threads may give rows of different windows at once. True: the last one is there, and finish() may be
  // called. Throws Error invalid_argument for rows of another shape than the window's, a window that does
  // not exist, or one that was given before.
  bool take(std::size_t window, const MatrixView& rows);
  // Windows whose rows it does not have yet.
  std::size_t missing() const noexcept { return missing_.load(std::memory_order_acquire); }

 protected:
  // `selected`: of each window, the rows that the masked-LM head shall answer for; or empty.
  TaskJob(const Model& model, Output output, std::vector<Encoding> encodings,
          std::vector<std::vector<std::int32_t>> selected = {});

  const std::vector<Encoding>& encodings() const noexcept { return encodings_; }  // of each window
  // What the answer is made of: where one is a NaN or an infinity, finish() throws. (take() looks at the logits of all heads
  // but the masked-LM one itself.)
  void require_finite(std::span<const float> values) noexcept;
  void require_complete() const;  // throws Error invalid_argument, unsupported
  [[noreturn]] static void rethrow_as_error();

 private:
  // The task's rule for one window. Others may be read at the same time.
  virtual void read(std::size_t window, const MatrixView& rows) = 0;

  Model model_;
  Output output_;
  std::vector<Encoding> encodings_;
  std::vector<std::vector<std::int32_t>> selected_;
  std::vector<Sequence> windows_;         // of encodings_ and selected_
  std::vector<std::atomic<bool>> taken_;  // by window
  std::atomic<std::size_t> missing_;      // windows not taken
  std::atomic<bool> finite_ = true;
};

// A job whose answer is a Value.
template <class Value>
class Job : public TaskJob {
 public:
  // The answer, once, after the last window was taken. Throws Error invalid_argument before that; unsupported where the
  // model's numbers are not finite, so that there is no answer.
  Value finish() {
    require_complete();
    try {
      return result();
    } catch (...) {
      rethrow_as_error();
    }
  }

 protected:
  using TaskJob::TaskJob;

 private:
  virtual Value result() = 0;
};

// A task with its options, on one model: immutable, for any number of threads at once.
template <class Input, class Value>
class Task {
 public:
  using JobResult = Result<std::unique_ptr<Job<Value>>>;

  virtual ~Task() = default;

  // The job of one input. What is wrong with the input is its Error: invalid_utf8, too_long, mismatch (a
  // token that the model has no row for), invalid_argument.
  virtual JobResult job(const Input& input, EncodeScratch& scratch) const = 0;

  // The same for an input that is tokenised already, by the model's own tokenizer: one Encoding for each of
  // job()'s windows, in their order; of windows after the first, Encoding::overflowing does as well. `ids` is
  // enough, but that ner and answer also need the offsets in code points, the masks and the word and sequence
  // ids (tokenised with overflowing windows that share `stride` tokens). Texts of `input` are read only where
  // an answer quotes them. Errors besides job()'s: invalid_argument where vectors are missing or of different
  // lengths, or where there are not as many windows as the input needs.
  virtual JobResult job(const Input& input, std::vector<Encoding> windows) const = 0;
};

// A query and the texts to be ranked by it.
struct RerankInput {
  std::string_view query;
  std::span<const std::string_view> texts;
};

using ClassifyTask = Task<TextInput, Classification>;
using ZeroShotTask = Task<std::string_view, Classification>;  // a window for each label
using NerTask = Task<std::string_view, Entities>;
using EmbedTask = Task<TextInput, Embedding>;
using SparseTask = Task<TextInput, SparseEmbedding>;
using FillMaskTask = Task<std::string_view, MaskFills>;
using AnswerTask = Task<QuestionInput, std::vector<Answer>>;
using RerankTask = Task<RerankInput, Ranking>;

// Throw Error: unsupported where the model lacks what the task needs, not_found where it has no tokenizer,
// invalid_argument for options out of range.
SAPWOOD_API std::shared_ptr<const ClassifyTask> classify_task(const Model& model,
                                                              const ClassifyOptions& options = {});
SAPWOOD_API std::shared_ptr<const ZeroShotTask> zero_shot_task(const Model& model,
                                                               const ZeroShotOptions& options);
SAPWOOD_API std::shared_ptr<const NerTask> ner_task(const Model& model,
                                                    const NerOptions& options = {});
SAPWOOD_API std::shared_ptr<const EmbedTask> embed_task(const Model& model,
                                                        const EmbedOptions& options = {});
SAPWOOD_API std::shared_ptr<const SparseTask> sparse_embed_task(const Model& model,
                                                                const SparseOptions& options = {});
SAPWOOD_API std::shared_ptr<const FillMaskTask> fill_mask_task(const Model& model,
                                                               const FillMaskOptions& options = {});
SAPWOOD_API std::shared_ptr<const AnswerTask> answer_task(const Model& model,
                                                          const AnswerOptions& options = {});
SAPWOOD_API std::shared_ptr<const RerankTask> rerank_task(const Model& model,
                                                          const RerankOptions& options = {});

}  // namespace sapwood
