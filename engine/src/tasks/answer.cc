#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/border.h"
#include "sapwood/tasks.h"
#include "tasks/answer_spans.h"
#include "tasks/encoded_inputs.h"

namespace sapwood {

namespace {

// One window of question and context; the defaults are the pipeline's.
EncodeOptions encode_options(const Model& model, const AnswerOptions& options) {
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

}  // namespace

std::vector<Result<std::vector<Answer>>> answer(const Model& model,
                                                std::span<const QuestionInput> inputs,
                                                const AnswerOptions& options) try {
  tasks::require_head(model, HeadKind::question_answering, "qa");
  tasks::require_at_least(options.top_k, 1, "top_k");
  tasks::require_at_least(options.max_answer_length, 1, "max_answer_length");
  const Tokenizer& tokenizer = model.tokenizer();
  const EncodeOptions encode = encode_options(model, options);
  const auto top_k = static_cast<std::size_t>(options.top_k);
  // Some spans become one when they are widened to words.
  const std::size_t candidates = options.align_to_words ? top_k * 2 + 10 : top_k;

  tasks::EncodedInputs batch = tasks::encode_inputs(
      model, inputs.size(), [&](std::size_t i, Encoding& out, EncodeScratch& scratch) {
        tokenizer.encode_into(out, scratch, inputs[i].question, inputs[i].context, encode);
      });
  std::vector<std::vector<Answer>> values(inputs.size());

  // Windows arrive in order, those of one context together.
  std::optional<tasks::AnswerList> answers;
  tasks::run(model, batch, Output::head, [&](std::size_t number, const MatrixView& logits) {
    const std::size_t input = batch.input_of[number];
    const Encoding& window = batch.windows[number];
    if (!answers) answers.emplace(inputs[input].context);
    const auto allowed = tasks::answer_tokens(window, tokenizer.cls_id());
    const tasks::WindowSpans found =
        tasks::best_spans(logits, allowed, options.max_answer_length, candidates);
    const tasks::SpanOffsets offsets(window, options.align_to_words);
    for (const tasks::TokenSpan& span : found.spans) answers->add(offsets.of(span), span.score);
    answers->add_null_score(found.null_score);
    if (number + 1 == batch.windows.size() || batch.input_of[number + 1] != input) {
      values[input] = std::move(*answers).best(top_k, options.handle_impossible_answer,
                                               options.no_answer_threshold);
      answers.reset();
    }
  });
  return tasks::in_order(batch, std::move(values));
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
