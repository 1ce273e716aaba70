// From one text to its tokens: added tokens, normalizer, pre-tokenizer, model.
#include <algorithm>

#include "call.h"
#include "impl.h"
#include "sapwood/utf8.h"

namespace sapwood {

// The state of one text.
struct Tokenizer::Impl::Run {
  const EncodeOptions& options;
  Call call;
  Progress progress;
};

void Tokenizer::Impl::push_added(int32_t index, std::string_view surface, Span span,
                                 Run& run) const {
  const AddedToken& token = added.tokens()[static_cast<std::size_t>(index)];
  Progress& progress = run.progress;
  if (surface == token.content) {
    progress.out.push(token.id, span, progress.word++);
  } else {
    progress.out.push(token.id, span, progress.word++, surface);
  }
}

// A piece of the caller's text that holds no plain added token, by the general path.
void Tokenizer::Impl::tokenize_general(std::string_view piece, Run& run) const {
  Text& text = run.call.scratch.text;
  Progress& progress = run.progress;
  text.assign(piece, progress.code_point);
  progress.code_point += static_cast<uint32_t>(text.size());
  if (normalizer) normalizer->apply(text, run.call);
  added.split(text, run.options.parse_special_tokens, run.call, run.call.scratch.splits);
  for (const AddedSplit& split : run.call.scratch.splits) {
    if (split.token >= 0) {
      std::string surface;
      for (std::size_t i = split.range.begin; i < split.range.end; ++i) {
        utf8::append(surface, text.chars[i]);
      }
      push_added(split.token, surface,
                 {text.spans[split.range.begin].start, text.spans[split.range.end - 1].end}, run);
      continue;
    }
    Words words{&text, run.call.scratch.words};
    words.ranges.clear();
    if (split.range.begin < split.range.end) words.ranges.push_back(split.range);
    if (pre_tokenizer) pre_tokenizer->apply(words, run.call);
    for (const Range& range : words.ranges) {
      Word word(*words.text, range, progress.word++, run.call, progress.out);
      model->tokenize(word);
      if (progress.full()) return;
    }
  }
}

void Tokenizer::Impl::tokenize_plain(std::string_view text, Run& run) const {
  if (!shortcut || added.has_normalized(text, run.call)) return tokenize_general(text, run);
  for (std::size_t at = 0; at < text.size() && !run.progress.full();) {
    const Range left = shortcut->tokenize(text, at, run.progress, run.call);
    if (left.begin < left.end) {
      tokenize_general(text.substr(left.begin, left.end - left.begin), run);
    }
    at = left.end;
  }
}

void Tokenizer::Impl::tokenize(std::string_view text, const EncodeOptions& options,
                               std::size_t limit, EncodeScratch::Buffers& scratch,
                               Tokens& out) const {
  out.clear();
  out.reserve(std::min(text.size(), kUsualElements));
  Run run{options, {Allowance(text.size()), scratch}, {out, limit}};
  Progress& progress = run.progress;
  added.split(text, options.parse_special_tokens, run.call, run.call.scratch.plain_splits);
  std::size_t done = 0;
  for (const AddedSplit& split : run.call.scratch.plain_splits) {
    const std::string_view piece =
        text.substr(split.range.begin, split.range.end - split.range.begin);
    if (split.range.begin < done) {  // a token that begins with the space that the one before took
      const std::string_view again = text.substr(split.range.begin, done - split.range.begin);
      progress.code_point -= static_cast<uint32_t>(utf8::count(again));
    }
    done = split.range.end;
    if (split.token < 0) {
      tokenize_plain(piece, run);
    } else {
      const auto length = static_cast<uint32_t>(utf8::count(piece));
      push_added(split.token, piece, {progress.code_point, progress.code_point + length}, run);
      progress.code_point += length;
    }
    if (progress.full()) {
      out.cut_short = true;
      break;
    }
  }
}

}  // namespace sapwood
