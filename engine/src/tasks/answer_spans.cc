#include "tasks/answer_spans.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "tasks/lowercase.h"
#include "tasks/scores.h"

namespace sapwood::tasks {

namespace {

// Softmax of one column over the allowed rows; 0 elsewhere. The pipeline sets the others to -10000
// first, whose exponential is 0 in float32.
std::vector<float> masked_softmax(const MatrixView& logits, std::size_t column,
                                  std::span<const std::uint8_t> allowed) {
  std::vector<float> values;
  values.reserve(allowed.size());
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    if (allowed[i] != 0) values.push_back(logits.row(static_cast<int>(i))[column]);
  }
  softmax(values, values);
  std::vector<float> probabilities(allowed.size(), 0.0f);
  std::size_t next = 0;
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    if (allowed[i] != 0) probabilities[i] = values[next++];
  }
  return probabilities;
}

bool better(const TokenSpan& a, const TokenSpan& b) {
  if (a.score != b.score) return a.score > b.score;
  if (a.logit != b.logit) return a.logit > b.logit;
  return a.first != b.first ? a.first < b.first : a.last < b.last;
}

}  // namespace

WindowSpans best_spans(const MatrixView& logits, std::span<const std::uint8_t> allowed,
                       int max_length, std::size_t count) {
  std::vector<float> start = masked_softmax(logits, 0, allowed);
  std::vector<float> end = masked_softmax(logits, 1, allowed);
  WindowSpans result;
  result.null_score = start.empty() ? 0.0f : start[0] * end[0];
  if (!start.empty()) start[0] = end[0] = 0.0f;

  // A heap of the best so far whose front is the worst of them.
  std::vector<TokenSpan>& heap = result.spans;
  const int tokens = static_cast<int>(start.size());
  for (int first = 1; first < tokens; ++first) {
    const float start_score = start[static_cast<std::size_t>(first)];
    if (!(start_score > 0)) continue;
    const int stop = first + std::min(tokens - first, max_length);
    for (int last = first; last < stop; ++last) {
      const TokenSpan span{
          first, last, start_score * end[static_cast<std::size_t>(last)],
          static_cast<double>(logits.row(first)[0]) + static_cast<double>(logits.row(last)[1])};
      if (!(span.score > 0)) continue;
      if (heap.size() == count) {
        if (!better(span, heap.front())) continue;
        std::pop_heap(heap.begin(), heap.end(), better);
        heap.pop_back();
      }
      heap.push_back(span);
      std::push_heap(heap.begin(), heap.end(), better);
    }
  }
  std::sort_heap(heap.begin(), heap.end(), better);
  return result;
}

std::vector<std::uint8_t> answer_tokens(const Encoding& window,
                                        std::optional<std::int32_t> cls_id) {
  std::vector<std::uint8_t> allowed(window.size());
  for (std::size_t i = 0; i < window.size(); ++i) allowed[i] = window.sequence_ids[i] == 1;
  if (!allowed.empty() && cls_id && window.ids[0] == *cls_id) allowed[0] = 1;
  return allowed;
}

SpanOffsets::SpanOffsets(const Encoding& window, bool align) : window_(window) {
  if (!align) return;
  for (std::size_t i = 0; i < window.size(); ++i) {
    if (window.sequence_ids[i] != 1 || window.word_ids[i] < 0) continue;
    const auto [word, added] = words_.try_emplace(window.word_ids[i], window.offsets[i]);
    if (!added) word->second.end = window.offsets[i].end;
  }
}

Offsets SpanOffsets::of(const TokenSpan& span) const {
  const auto first = static_cast<std::size_t>(span.first);
  const auto last = static_cast<std::size_t>(span.last);
  const auto first_word = words_.find(window_.word_ids[first]);
  const auto last_word = words_.find(window_.word_ids[last]);
  if (first_word == words_.end() || last_word == words_.end()) {
    return {window_.offsets[first].start, window_.offsets[last].end};
  }
  return {first_word->second.start, last_word->second.end};
}

void AnswerList::add(Offsets offsets, float score) {
  const std::string_view text = context_.slice(offsets.start, offsets.end);
  const auto [entry, added] = by_text_.try_emplace(lowercase_key(text), answers_.size());
  if (added) {
    answers_.push_back({score, offsets.start, offsets.end, std::string(text)});
  } else {
    answers_[entry->second].score += score;
  }
}

void AnswerList::add_null_score(float score) { null_score_ = std::min(null_score_, score); }

std::vector<Answer> AnswerList::best(std::size_t top_k, bool impossible,
                                     std::optional<float> no_answer_threshold) && {
  if (impossible) answers_.push_back({null_score_, 0, 0, std::string()});
  std::stable_sort(answers_.begin(), answers_.end(),
                   [](const Answer& a, const Answer& b) { return ranks_before(a.score, b.score); });
  float best_score = answers_.empty() ? 0.0f : answers_[0].score;
  if (no_answer_threshold) {
    std::erase_if(answers_, [&](const Answer& answer) {
      return !answer.answer.empty() && !(answer.score >= *no_answer_threshold);
    });
  }
  if (answers_.empty()) answers_.push_back({best_score, 0, 0, std::string()});
  if (answers_.size() > top_k) answers_.resize(top_k);
  return std::move(answers_);
}

}  // namespace sapwood::tasks
