#include "post_processor.h"

#include <algorithm>
#include <string>

#include "truncation.h"

namespace sapwood {
namespace {

struct Source {
  const Tokens* tokens;
  std::vector<Range> windows;
  const std::vector<uint32_t>* byte_offsets;
  const OffsetTrimmer* trimmer;  // may be null
};

Offsets to_offsets(Span span, const std::vector<uint32_t>* bytes) {
  if (bytes)
    return {static_cast<int32_t>((*bytes)[span.start]), static_cast<int32_t>((*bytes)[span.end])};
  return {static_cast<int32_t>(span.start), static_cast<int32_t>(span.end)};
}

void append_special(const TemplatePiece& piece, const EncodeOptions& options, Encoding& out) {
  const std::size_t n = out.size() + piece.ids.size();
  out.ids.insert(out.ids.end(), piece.ids.begin(), piece.ids.end());
  out.type_ids.resize(n, piece.type_id);
  if (options.offsets) out.offsets.resize(n);
  out.special_tokens_mask.resize(n, 1);
  out.word_ids.resize(n, -1);
  out.sequence_ids.resize(n, -1);
}

void append_offsets(const Source& source, Range range, std::vector<Offsets>& out) {
  const Tokens& tokens = *source.tokens;
  for (std::size_t i = range.begin; i < range.end; ++i) {
    Span span = tokens.spans[i];
    if (source.trimmer) span = source.trimmer->trim(span, tokens.ids[i], i == range.begin);
    out.push_back(to_offsets(span, source.byte_offsets));
  }
}

void append_text(const Source& source, Range range, int32_t type_id, int32_t sequence,
                 const EncodeOptions& options, Encoding& out) {
  const Tokens& tokens = *source.tokens;
  const std::size_t at = out.size(), n = at + range.end - range.begin;
  const auto begin = static_cast<std::ptrdiff_t>(range.begin);
  const auto end = static_cast<std::ptrdiff_t>(range.end);
  out.ids.insert(out.ids.end(), tokens.ids.begin() + begin, tokens.ids.begin() + end);
  out.word_ids.insert(out.word_ids.end(), tokens.words.begin() + begin, tokens.words.begin() + end);
  out.type_ids.resize(n, type_id);
  out.special_tokens_mask.resize(n, 0);
  out.sequence_ids.resize(n, sequence);
  if (options.offsets) append_offsets(source, range, out.offsets);
  // In the order of their tokens.
  auto t = std::ranges::lower_bound(tokens.texts, static_cast<int32_t>(range.begin), {},
                                    &TokenText::index);
  for (; t != tokens.texts.end() && static_cast<std::size_t>(t->index) < range.end; ++t) {
    const auto token = static_cast<std::size_t>(t->index);
    const std::size_t index = at + token - range.begin;
    out.token_texts.push_back({static_cast<int32_t>(index), t->text});
    if (!options.offsets || !source.trimmer) continue;
    const Span span = source.trimmer->trim(tokens.spans[token], t->text, token == range.begin);
    out.offsets[index] = to_offsets(span, source.byte_offsets);
  }
}

// Which window of its text each text of the template shows.
using Choice = std::vector<std::size_t>;

// All windows but the main one, in the order in which the reference merges them: it appends text
// by text, and at each first extends the windows there are by all those of the text, then the main
// one by the text's further windows.
std::vector<Choice> window_order(const std::vector<TemplatePiece>& pieces,
                                 const Source sources[2]) {
  std::vector<Choice> windows;
  std::size_t texts = 0;
  for (const TemplatePiece& piece : pieces) {
    if (piece.sequence < 0) continue;
    const std::size_t n = sources[piece.sequence].windows.size();
    std::vector<Choice> next;
    for (const Choice& w : windows) {
      for (std::size_t k = 0; k < n; ++k) {
        next.push_back(w);
        next.back().push_back(k);
      }
    }
    for (std::size_t k = 1; k < n; ++k) {
      next.emplace_back(texts, 0);
      next.back().push_back(k);
    }
    windows = std::move(next);
    ++texts;
  }
  return windows;
}

// A template that multiplies the text or hides it among special tokens.
void check_template(const std::vector<TemplatePiece>& pieces, const char* name) {
  std::size_t special = 0, texts = 0;
  for (const TemplatePiece& piece : pieces) {
    if (piece.sequence < 0) special += std::max<std::size_t>(piece.ids.size(), 1);
    texts += piece.sequence >= 0;
  }
  if (special <= PostProcessor::kMaxSpecial && texts <= PostProcessor::kMaxTexts) return;
  throw Error(ErrorCode::malformed,
              std::string("post_processor.") + name + ": expected a template of at most " +
                  std::to_string(PostProcessor::kMaxSpecial) + " special tokens and " +
                  std::to_string(PostProcessor::kMaxTexts) + " texts, found " +
                  std::to_string(special) + " and " + std::to_string(texts));
}

// Bytes of an encoding without its token_texts.
std::size_t bytes_of(std::size_t tokens) {
  constexpr std::size_t kToken = 4 * sizeof(int32_t) + sizeof(Offsets) + sizeof(uint8_t);
  constexpr std::size_t kVectors = 6 * 16;  // what an allocation costs besides
  return tokens * kToken + sizeof(Encoding) + kVectors;
}

[[noreturn]] void refuse_windows() {
  throw Error(
      ErrorCode::too_long,
      "the windows of this text would take more than " +
          std::to_string(PostProcessor::kMaxWindowBytes >> 20) +
          " MiB; split the text, lower the stride, raise max_length, or do without windows");
}

void reserve(Encoding& encoding, std::size_t tokens, bool offsets) {
  encoding.ids.reserve(tokens);
  encoding.type_ids.reserve(tokens);
  if (offsets) encoding.offsets.reserve(tokens);
  encoding.special_tokens_mask.reserve(tokens);
  encoding.word_ids.reserve(tokens);
  encoding.sequence_ids.reserve(tokens);
}

// Refuses windows that take too much, token_texts apart, before there is one.
void check_windows(const std::vector<TemplatePiece>& pieces, const Source sources[2],
                   bool specials) {
  std::size_t windows = 1, tokens = 0;
  for (const TemplatePiece& piece : pieces) {
    if (specials) tokens += piece.ids.size();
    if (piece.sequence < 0) continue;
    const std::vector<Range>& all = sources[piece.sequence].windows;
    std::size_t longest = 0;
    for (const Range& r : all) longest = std::max(longest, r.end - r.begin);
    tokens += longest;
    windows *= all.size();  // each factor is below 2^32
    if (windows > PostProcessor::kMaxWindowBytes) refuse_windows();
  }
  if (windows > PostProcessor::kMaxWindowBytes / bytes_of(tokens)) refuse_windows();
}

}  // namespace

void Tokens::clear() noexcept {
  ids.clear();
  spans.clear();
  words.clear();
  texts.clear();
  cut_short = false;
}

void Tokens::truncate(std::size_t n) {
  ids.resize(n);
  spans.resize(n);
  words.resize(n);
  while (!texts.empty() && static_cast<std::size_t>(texts.back().index) >= n) texts.pop_back();
}

PostProcessor::PostProcessor() : single_{{0, {}, 0}}, pair_{{0, {}, 0}, {1, {}, 1}} {}

PostProcessor::PostProcessor(std::vector<TemplatePiece> single, std::vector<TemplatePiece> pair)
    : single_(std::move(single)), pair_(std::move(pair)) {
  check_template(single_, "single");
  check_template(pair_, "pair");
}

void PostProcessor::drop_types() noexcept {
  types_ = false;
  for (TemplatePiece& piece : single_) piece.type_id = 0;
  for (TemplatePiece& piece : pair_) piece.type_id = 0;
}

int PostProcessor::num_special(bool pair) const noexcept {
  std::size_t n = 0;
  for (const TemplatePiece& piece : pair ? pair_ : single_) n += piece.ids.size();
  return static_cast<int>(n);
}

void PostProcessor::assemble(const Tokens& first, const Tokens* second,
                             const EncodeOptions& options,
                             const std::vector<uint32_t>* const byte_offsets[2],
                             Encoding& out) const {
  const std::vector<TemplatePiece>& pieces = second ? pair_ : single_;
  const OffsetTrimmer* const trimmer = trimmer_ ? &*trimmer_ : nullptr;
  Source sources[2] = {{&first, {{0, first.size()}}, byte_offsets[0], trimmer},
                       {second, {{0, second ? second->size() : 0}}, byte_offsets[1], trimmer}};
  if (options.max_length) {
    const int special = options.add_special_tokens ? num_special(second != nullptr) : 0;
    if (*options.max_length < special) {
      throw Error(ErrorCode::invalid_argument, "max_length " + std::to_string(*options.max_length) +
                                                   " is less than the " + std::to_string(special) +
                                                   " special tokens of the template");
    }
    const auto room = static_cast<std::size_t>(*options.max_length - special);
    const std::size_t n1 = first.size(), n2 = second ? second->size() : 0;
    const Shares shares = share_room(n1, n2, second != nullptr, room, options.truncation);
    sources[0].windows = cut_windows(n1, shares.first, options);
    if (second) sources[1].windows = cut_windows(n2, shares.second, options);
    out.truncated = shares.first < n1 || shares.second < n2;
  }

  const bool types_of_windows = types_of_windows_ && options.add_special_tokens;
  auto fill = [&](const Choice* choice, Encoding& encoding) {
    std::size_t text = 0;  // of the template
    for (const TemplatePiece& piece : pieces) {
      if (piece.sequence < 0) {
        if (options.add_special_tokens) append_special(piece, options, encoding);
        continue;
      }
      const Source& source = sources[piece.sequence];
      const std::size_t k = choice ? (*choice)[text++] : 0;
      // The template's type reaches only what was kept; cut windows have the text's number.
      const bool of_template = k == 0 || types_of_windows || !types_;
      const int32_t type_id = of_template ? piece.type_id : piece.sequence;
      append_text(source, source.windows[k], type_id, piece.sequence, options, encoding);
    }
  };
  fill(nullptr, out);

  if (sources[0].windows.size() == 1 && sources[1].windows.size() == 1) return;
  check_windows(pieces, sources, options.add_special_tokens);
  std::size_t text_bytes = 0;
  for (const Choice& choice : window_order(pieces, sources)) {
    Encoding& window = out.overflowing.emplace_back();
    reserve(window, out.size(), options.offsets);
    fill(&choice, window);
    for (const TokenText& t : window.token_texts) text_bytes += sizeof(TokenText) + t.text.size();
    if (text_bytes > kMaxWindowBytes) refuse_windows();
  }
}

}  // namespace sapwood
