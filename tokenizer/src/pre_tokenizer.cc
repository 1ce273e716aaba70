#include "pre_tokenizer.h"

#include <algorithm>

#include "call.h"
#include "unicode.h"

namespace sapwood {
namespace {

using unicode::FlagTable;

void push_nonempty(Range range, std::vector<Range>& out) {
  if (range.begin < range.end) out.push_back(range);
}

// Applies a behaviour to segments in text order.
void emit(std::vector<Segment>& segments, SplitBehavior behavior, std::vector<Range>& out) {
  const std::size_t first = out.size();
  bool previous = false;  // whether the segment before was a match
  switch (behavior) {
    case SplitBehavior::removed:
      for (const Segment& s : segments) {
        if (!s.is_match) push_nonempty(s.range, out);
      }
      break;
    case SplitBehavior::isolated:
      for (const Segment& s : segments) push_nonempty(s.range, out);
      break;
    case SplitBehavior::contiguous:
      for (const Segment& s : segments) {
        if (s.is_match == previous && out.size() > first) {
          out.back().end = s.range.end;
        } else {
          out.push_back(s.range);
        }
        previous = s.is_match;
      }
      break;
    case SplitBehavior::merged_with_previous:
      for (const Segment& s : segments) {
        if (s.is_match && !previous && out.size() > first) {
          out.back().end = s.range.end;
        } else {
          out.push_back(s.range);
        }
        previous = s.is_match;
      }
      break;
    case SplitBehavior::merged_with_next:
      for (auto s = segments.rbegin(); s != segments.rend(); ++s) {
        if (s->is_match && !previous && out.size() > first) {
          out.back().begin = s->range.begin;
        } else {
          out.push_back(s->range);
        }
        previous = s->is_match;
      }
      std::reverse(out.begin() + static_cast<std::ptrdiff_t>(first), out.end());
      break;
  }
  auto empty = [](const Range& r) { return r.begin >= r.end; };
  out.erase(std::remove_if(out.begin() + static_cast<std::ptrdiff_t>(first), out.end(), empty),
            out.end());
}

// At single characters.
template <typename IsDelimiter>
void split_at(const Text& text, Range range, IsDelimiter is_delimiter, SplitBehavior behavior,
              std::vector<Range>& out) {
  std::vector<Segment> segments;
  std::size_t begin = range.begin;
  for (std::size_t i = range.begin; i < range.end; ++i) {
    if (!is_delimiter(text.chars[i])) continue;
    if (begin < i) segments.push_back({{begin, i}, false});
    segments.push_back({{i, i + 1}, true});
    begin = i + 1;
  }
  if (begin < range.end) segments.push_back({{begin, range.end}, false});
  emit(segments, behavior, out);
}

}  // namespace

void SplittingPreTokenizer::apply(Words& words, Call& call) const {
  std::vector<Range>& parts = call.scratch.parts;
  parts.clear();
  for (const Range& range : words.ranges) {
    split(*words.text, range, call.allowance.search(), parts);
  }
  std::swap(words.ranges, parts);
}

void RewritingPreTokenizer::apply(Words& words, Call& call) const {
  Text& result = call.scratch.pieces[words.text == &call.scratch.pieces[0]];
  std::vector<Range>& parts = call.scratch.parts;
  result.clear();
  result.base = words.text->base;
  parts.clear();
  std::size_t before = 0;
  for (const Range& range : words.ranges) {
    before += range.end - range.begin;
    rewrite(*words.text, range, call, result, parts);
  }
  if (result.size() > before) call.allowance.grow(result.size() - before, name());
  words.text = &result;
  std::swap(words.ranges, parts);
}

void BertPreTokenizer::split(const Text& text, Range range, SearchTime&,
                             std::vector<Range>& out) const {
  const FlagTable& flags = FlagTable::get();
  std::size_t begin = range.begin;
  for (std::size_t i = range.begin; i < range.end; ++i) {
    const uint8_t f = flags(text.chars[i]);
    if (!(f & (unicode::kSpace | unicode::kPunct))) continue;
    push_nonempty({begin, i}, out);
    if (!(f & unicode::kSpace)) out.push_back({i, i + 1});
    begin = i + 1;
  }
  push_nonempty({begin, range.end}, out);
}

void WhitespacePreTokenizer::split(const Text& text, Range range, SearchTime&,
                                   std::vector<Range>& out) const {
  const FlagTable& flags = FlagTable::get();
  constexpr uint8_t kBoth = unicode::kSpace | unicode::kWord;
  for (std::size_t i = range.begin; i < range.end;) {
    const uint8_t kind = flags(text.chars[i]) & kBoth;
    std::size_t end = i + 1;
    while (end < range.end && (flags(text.chars[end]) & kBoth) == kind) ++end;
    if (!(kind & unicode::kSpace)) out.push_back({i, end});
    i = end;
  }
}

void WhitespaceSplitPreTokenizer::split(const Text& text, Range range, SearchTime&,
                                        std::vector<Range>& out) const {
  const FlagTable& flags = FlagTable::get();
  std::size_t begin = range.begin;
  for (std::size_t i = range.begin; i < range.end; ++i) {
    if (!(flags(text.chars[i]) & unicode::kSpace)) continue;
    push_nonempty({begin, i}, out);
    begin = i + 1;
  }
  push_nonempty({begin, range.end}, out);
}

void PunctuationPreTokenizer::split(const Text& text, Range range, SearchTime&,
                                    std::vector<Range>& out) const {
  const FlagTable& flags = FlagTable::get();
  split_at(
      text, range, [&](char32_t c) { return (flags(c) & unicode::kPunct) != 0; }, behavior_, out);
}

void DigitsPreTokenizer::split(const Text& text, Range range, SearchTime&,
                               std::vector<Range>& out) const {
  split_at(text, range, unicode::is_numeric, behavior_, out);
}

void DelimiterPreTokenizer::split(const Text& text, Range range, SearchTime&,
                                  std::vector<Range>& out) const {
  split_at(
      text, range, [&](char32_t c) { return c == delimiter_; }, SplitBehavior::removed, out);
}

void FixedLengthPreTokenizer::split(const Text&, Range range, SearchTime&,
                                    std::vector<Range>& out) const {
  while (range.end - range.begin > length_) {
    out.push_back({range.begin, range.begin + length_});
    range.begin += length_;
  }
  push_nonempty(range, out);
}

void SplitPreTokenizer::split(const Text& text, Range range, SearchTime& time,
                              std::vector<Range>& out) const {
  std::string utf8;
  std::vector<uint32_t> char_at;  // character index by byte
  to_utf8(text, range, utf8, char_at);
  char_at.push_back(static_cast<uint32_t>(range.end - range.begin));
  std::vector<Match> matches;
  pattern_.find_all(utf8, time, matches);

  std::vector<Segment> segments;
  std::size_t at = 0;
  auto push = [&](std::size_t begin, std::size_t end, bool is_match) {
    segments.push_back(
        {{range.begin + char_at[begin], range.begin + char_at[end]}, is_match != invert_});
  };
  for (const Match& match : matches) {
    if (at != match.begin) push(at, match.begin, false);
    push(match.begin, match.end, true);
    at = match.end;
  }
  if (at != utf8.size()) push(at, utf8.size(), false);
  emit(segments, behavior_, out);
}

PreTokenizerSequence::PreTokenizerSequence(std::vector<std::unique_ptr<PreTokenizer>> parts)
    : parts_(std::move(parts)) {
  for (const auto& part : parts_) steps_ += part->steps();
  require_steps(steps_, "pre-tokenizers");
}

void PreTokenizerSequence::apply(Words& words, Call& call) const {
  for (const auto& part : parts_) part->apply(words, call);
}

}  // namespace sapwood
