// From one text to its tokens: added tokens, normaliser, pre-tokeniser, model.
#include <algorithm>

#include "call.h"
#include "impl.h"
#include "sapwood/utf8.h"

namespace sapwood {

// The state of one text.
struct Tokenizer::Impl::Run {
  const EncodeOptions& options;
  std::size_t limit;
  Tokens& out;
  Call call;
  uint32_t code_point = 0;  // position in the caller's text
  int32_t word = 0;

  bool full() const noexcept { return out.size() > limit; }
};

void Tokenizer::Impl::push_added(int32_t index, std::string_view surface, Span span,
                                 Run& run) const {
  const AddedToken& token = added.tokens()[static_cast<std::size_t>(index)];
  if (surface != token.content) {
    run.out.texts.push_back({static_cast<int32_t>(run.out.size()), std::string(surface)});
  }
  run.out.push(token.id, span, run.word++);
}

// One word of the normalised text.
void Tokenizer::Impl::push_word(const Text& text, Range word, Run& run) const {
  const std::size_t length = word.end - word.begin;
  const Span whole{text.spans[word.begin].start, text.spans[word.end - 1].end};
  const std::size_t before = run.out.size();
  std::string& bytes = run.call.scratch.word;
  std::vector<uint32_t>& char_at = run.call.scratch.char_at;
  bool known = length <= model.max_chars_per_word();
  if (known) {
    bytes.clear();
    char_at.clear();
    for (std::size_t i = word.begin; i < word.end; ++i) {
      utf8::append(bytes, text.chars[i]);
      char_at.resize(bytes.size(), static_cast<uint32_t>(i - word.begin));
    }
    known = model.split(bytes, [&](int32_t id, std::size_t begin, std::size_t end) {
      const Span first = text.spans[word.begin + char_at[begin]];
      const Span last = text.spans[word.begin + char_at[end - 1]];
      run.out.push(id, {first.start, last.end}, run.word);
    });
  }
  if (!known) {
    run.out.truncate(before);
    run.out.push(model.unk_id(), whole, run.word);
  }
  ++run.word;
}

// A piece of the caller's text that holds no plain added token, by the general path.
void Tokenizer::Impl::tokenize_general(std::string_view piece, Run& run) const {
  Text& text = run.call.scratch.text;
  std::vector<Range>& words = run.call.scratch.words;
  text.assign(piece, run.code_point);
  run.code_point += static_cast<uint32_t>(text.size());
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
    words.clear();
    if (pre_tokenizer) {
      pre_tokenizer->split(text, split.range, run.call.allowance.search(), words);
    } else if (split.range.begin < split.range.end) {
      words.push_back(split.range);
    }
    for (const Range& word : words) {
      push_word(text, word, run);
      if (run.full()) return;
    }
  }
}

void Tokenizer::Impl::tokenize_plain(std::string_view text, Run& run) const {
  if (!ascii_bert) return tokenize_general(text, run);
  // White space of ASCII is a boundary for every step of BERT's normaliser and pre-tokeniser, so
  // that chunks between it can be taken one by one.
  for (std::size_t at = 0; at < text.size() && !run.full();) {
    const std::size_t begin = AsciiBert::skip_space(text, at);
    run.code_point += static_cast<uint32_t>(begin - at);
    if (begin == text.size()) return;
    std::size_t end = ascii_bert->chunk(text, begin, run.code_point, model, run.word, run.out);
    if (end != begin) {
      run.code_point += static_cast<uint32_t>(end - begin);
    } else {
      end = AsciiBert::chunk_end(text, begin);
      tokenize_general(text.substr(begin, end - begin), run);
    }
    at = end;
  }
}

void Tokenizer::Impl::tokenize(std::string_view text, const EncodeOptions& options,
                               std::size_t limit, EncodeScratch::Buffers& scratch,
                               Tokens& out) const {
  out.clear();
  out.reserve(std::min(text.size(), kUsualElements));
  Run run{options, limit, out, {Allowance(text.size()), scratch}};
  added.split(text, options.parse_special_tokens, run.call, run.call.scratch.plain_splits);
  std::size_t done = 0;
  for (const AddedSplit& split : run.call.scratch.plain_splits) {
    const std::string_view piece =
        text.substr(split.range.begin, split.range.end - split.range.begin);
    if (split.range.begin < done) {  // a token that begins with the space that the one before took
      const std::string_view again = text.substr(split.range.begin, done - split.range.begin);
      run.code_point -= static_cast<uint32_t>(utf8::count(again));
    }
    done = split.range.end;
    if (split.token < 0) {
      tokenize_plain(piece, run);
    } else {
      const auto length = static_cast<uint32_t>(utf8::count(piece));
      push_added(split.token, piece, {run.code_point, run.code_point + length}, run);
      run.code_point += length;
    }
    if (run.full()) {
      out.cut_short = true;
      break;
    }
  }
}

}  // namespace sapwood
