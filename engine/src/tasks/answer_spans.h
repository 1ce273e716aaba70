// The rules of QuestionAnsweringPipeline (transformers 4.57, the last line that has it), from
// logits to answers, without the model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sapwood/tasks.h"
#include "tasks/text_index.h"

namespace sapwood::tasks {

struct TokenSpan {
  int first, last;  // both inclusive
  float score;      // product of the start's and the end's probability
  double logit;     // sum of the start's and the end's logit
};

struct WindowSpans {
  std::vector<TokenSpan> spans;  // best first: by score, equal scores by logit
  float null_score;  // the probability that the window's answer is its first token, [CLS]
};

// select_starts_ends and decode_spans: the best `count` spans of at most max_length tokens.
// `logits` is [tokens, 2]; the softmaxes run over the tokens with allowed[i] != 0; the first token
// is in them where it is allowed, but no span begins or ends there. Spans whose probability is zero
// in float32 are left out (the pipeline returns them where there are too few others).
WindowSpans best_spans(const MatrixView& logits, std::span<const std::uint8_t> allowed,
                       int max_length, std::size_t count);

// 1 for the tokens of the second text and for a [CLS] at the front.
std::vector<std::uint8_t> answer_tokens(const Encoding& window, std::optional<std::int32_t> cls_id);

// get_indices: where a span lies in the context; widened to whole words where align is set.
class SpanOffsets {
 public:
  SpanOffsets(const Encoding& window, bool align);
  Offsets of(const TokenSpan& span) const;

 private:
  const Encoding& window_;
  std::unordered_map<std::int32_t, Offsets> words_;  // of the second text, by word id
};

// The answers of all windows of one context. Equal ones (but for case) add up their scores.
class AnswerList {
 public:
  explicit AnswerList(std::string_view context) : context_(context) {}

  void add(Offsets offsets, float score);
  void add_null_score(float score);

  // The best top_k, first come first among equals. The empty answer takes part with its smallest
  // score of all windows where `impossible` is set, and stands alone where there is nothing else.
  std::vector<Answer> best(std::size_t top_k, bool impossible,
                           std::optional<float> no_answer_threshold) &&;

 private:
  TextIndex context_;
  std::vector<Answer> answers_;
  // Lowercased. In order, because no text can make that slow as it could a hash table.
  std::map<std::string, std::size_t> by_text_;
  float null_score_ = 1e6f;  // the pipeline's "large and positive"
};

}  // namespace sapwood::tasks
