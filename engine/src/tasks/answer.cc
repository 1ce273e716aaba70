#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "base/border.h"
#include "sapwood/utf8.h"
#include "tasks/answer_all.h"
#include "tasks/answer_spans.h"
#include "tasks/requirements.h"

namespace sapwood {

namespace {

// One window of question and context; the defaults are the pipeline's.
EncodeOptions window_options(const Model& model, const AnswerOptions& options) {
  constexpr int kDefaultLength = 384, kDefaultStride = 128;
  EncodeOptions encode;
  const int length = options.max_seq_length.value_or(std::min(model.max_length(), kDefaultLength));
  const int stride = options.stride.value_or(std::min(length / 2, kDefaultStride));
  tasks::require_at_least(length, 1, "max_seq_length");
  tasks::require_at_least(stride, 0, "stride");
  if (length > model.config().max_positions) {
    throw Error(ErrorCode::invalid_argument,
                "max_seq_length is " + std::to_string(length) + ": the model has " +
                    std::to_string(model.config().max_positions) + " positions");
  }
  if (stride >= length) {
    throw Error(ErrorCode::invalid_argument, "stride is " + std::to_string(stride) +
                                                 ": it must be less than max_seq_length, " +
                                                 std::to_string(length));
  }
  encode.max_length = length;
  encode.stride = stride;
  encode.truncation = Truncation::only_second;
  encode.parse_special_tokens = options.parse_special_tokens;
  return encode;
}

using Answers = std::vector<Answer>;

class AnswerJob final : public Job<Answers> {
 public:
  AnswerJob(const Model& of, std::vector<Encoding> windows, std::string_view context,
            const AnswerOptions& options)
      : Job(of, Output::head, std::move(windows)),
        options_(options),
        context_(context),
        found_(encodings().size()) {}

 private:
  // Spans of one window, as they lie in the context.
  struct Window {
    std::vector<std::pair<Offsets, float>> spans;
    float null_score = 0;
  };

  void read(std::size_t number, const MatrixView& logits) override {
    const Encoding& window = encodings()[number];
    const auto top_k = static_cast<std::size_t>(options_.top_k);
    // Some spans become one when they are widened to words.
    const std::size_t candidates = options_.align_to_words ? top_k * 2 + 10 : top_k;
    const auto allowed = tasks::answer_tokens(window, model().tokenizer().cls_id());
    const tasks::WindowSpans best =
        tasks::best_spans(logits, allowed, options_.max_answer_length, candidates);
    const tasks::SpanOffsets offsets(window, options_.align_to_words);
    Window& found = found_[number];
    found.null_score = best.null_score;
    found.spans.reserve(best.spans.size());
    for (const tasks::TokenSpan& span : best.spans) {
      found.spans.emplace_back(offsets.of(span), span.score);
    }
  }

  // Equal answers of several windows add up their scores, in the order of the windows.
  Answers result() override {
    tasks::AnswerList answers(context_);
    for (const Window& window : found_) {
      for (const auto& [offsets, score] : window.spans) answers.add(offsets, score);
      answers.add_null_score(window.null_score);
    }
    return std::move(answers).best(static_cast<std::size_t>(options_.top_k),
                                   options_.handle_impossible_answer, options_.no_answer_threshold);
  }

  AnswerOptions options_;
  std::string_view context_;
  std::vector<Window> found_;
};

class AnswerQuestions final : public AnswerTask {
 public:
  AnswerQuestions(const Model& model, const AnswerOptions& options)
      : model_(model), options_(options) {
    tasks::require_head(model, HeadKind::question_answering, "qa");
    tasks::require_at_least(options.top_k, 1, "top_k");
    tasks::require_at_least(options.max_answer_length, 1, "max_answer_length");
    model.tokenizer();
    encode_ = window_options(model, options);
  }

  JobResult job(const QuestionInput& input, EncodeScratch& scratch) const override {
    return tasks::as_result([&] {
      return make(input, tasks::encode(model_, input.question, input.context, encode_, scratch));
    });
  }

  JobResult job(const QuestionInput& input, std::vector<Encoding> windows) const override {
    return tasks::as_result([&] {
      utf8::require_valid(input.context, "context");
      return make(input, tasks::given_windows(model_, std::move(windows), tasks::Reads::text,
                                              std::numeric_limits<std::size_t>::max()));
    });
  }

 private:
  std::unique_ptr<Job<Answers>> make(const QuestionInput& input,
                                     std::vector<Encoding> windows) const {
    return std::make_unique<AnswerJob>(model_, std::move(windows), input.context, options_);
  }

  Model model_;
  AnswerOptions options_;
  EncodeOptions encode_;
};

}  // namespace

std::shared_ptr<const AnswerTask> answer_task(const Model& model,
                                              const AnswerOptions& options) try {
  return std::make_shared<const AnswerQuestions>(model, options);
} catch (...) {
  throw_as_error();
}

std::vector<Result<std::vector<Answer>>> answer(const Model& model,
                                                std::span<const QuestionInput> inputs,
                                                const AnswerOptions& options) try {
  return tasks::answer_all(model, *answer_task(model, options), inputs);
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
