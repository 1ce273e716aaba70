#include "normalizer.h"

#include "sapwood/utf8.h"
#include "unicode.h"

namespace sapwood {
namespace {

using unicode::FlagTable;

// Spare storage for the result of a rewrite; per thread so that normalising allocates nothing when
// warm.
Text& spare() {
  static thread_local Text text;
  return text;
}

void swap_in(Text& text, Text& result) {
  std::swap(text.chars, result.chars);
  std::swap(text.spans, result.spans);
  release_if_large(result);
}

template <typename Keep>
void filter(Text& text, Keep keep) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!keep(text.chars[i])) continue;
    text.chars[n] = text.chars[i];
    text.spans[n] = text.spans[i];
    ++n;
  }
  text.truncate(n);
}

void clean(Text& text) {
  const FlagTable& flags = FlagTable::get();
  filter(text, [&](char32_t c) { return !(flags(c) & unicode::kRemoved); });
  for (char32_t& c : text.chars) {
    if (flags(c) & unicode::kSpace) c = U' ';
  }
}

void space_chinese(Text& text) {
  bool any = false;
  for (char32_t c : text.chars) any |= unicode::is_chinese(c);
  if (!any) return;
  Text& result = spare();
  Rewriter rewriter(text, result);
  for (char32_t c : text.chars) {
    if (unicode::is_chinese(c)) {
      rewriter.emit(U' ', 0);
      rewriter.emit(c, 1);
      rewriter.emit(U' ', 1);
    } else {
      rewriter.emit(c, 0);
    }
  }
  swap_in(text, result);
}

void lowercase(Text& text) {
  const FlagTable& flags = FlagTable::get();
  bool grows = false;
  for (char32_t& c : text.chars) {
    if (!(flags(c) & unicode::kCased)) continue;
    if (c == unicode::kCapitalDottedI) {
      grows = true;
    } else {
      c = unicode::lowercase(c);
    }
  }
  if (!grows) return;
  Text& result = spare();
  Rewriter rewriter(text, result);
  for (char32_t c : text.chars) {
    if (c == unicode::kCapitalDottedI) {
      rewriter.emit(U'i', 0);
      rewriter.emit(unicode::kDotAbove, 1);
    } else {
      rewriter.emit(c, 0);
    }
  }
  swap_in(text, result);
}

}  // namespace

void Normalizer::apply(Text& text, Allowance& allowance) const {
  const std::size_t before = text.size();
  rewrite(text, allowance);
  // The parts of a Sequence have each paid for themselves.
  if (steps() == 1 && text.size() > before) allowance.grow(text.size() - before, name());
}

NormalizerSequence::NormalizerSequence(std::vector<std::unique_ptr<Normalizer>> parts)
    : parts_(std::move(parts)) {
  for (const auto& part : parts_) steps_ += part->steps();
  require_steps(steps_, "normalisers");
}

void NormalizerSequence::rewrite(Text& text, Allowance& allowance) const {
  for (const auto& part : parts_) part->apply(text, allowance);
}

void BertNormalizer::rewrite(Text& text, Allowance&) const {
  if (options_.clean_text) clean(text);
  if (options_.handle_chinese_chars) space_chinese(text);
  if (options_.strip_accents) {
    to_normal_form(text, NormalForm::nfd);
    const FlagTable& flags = FlagTable::get();
    filter(text, [&](char32_t c) { return !(flags(c) & unicode::kMn); });
  }
  if (options_.lowercase) lowercase(text);
}

void LowercaseNormalizer::rewrite(Text& text, Allowance&) const { lowercase(text); }

void StripAccentsNormalizer::rewrite(Text& text, Allowance&) const {
  const FlagTable& flags = FlagTable::get();
  filter(text, [&](char32_t c) { return !(flags(c) & unicode::kMark); });
}

void StripNormalizer::rewrite(Text& text, Allowance&) const {
  const FlagTable& flags = FlagTable::get();
  std::size_t begin = 0, end = text.size();
  if (right_) {
    while (end > 0 && (flags(text.chars[end - 1]) & unicode::kSpace)) --end;
  }
  if (left_) {
    while (begin < end && (flags(text.chars[begin]) & unicode::kSpace)) ++begin;
  }
  text.truncate(end);
  text.chars.erase(0, begin);
  text.spans.erase(text.spans.begin(), text.spans.begin() + static_cast<std::ptrdiff_t>(begin));
}

PrependNormalizer::PrependNormalizer(std::string text) { prefix_.assign(text, 0); }

void PrependNormalizer::rewrite(Text& text, Allowance& allowance) const {
  if (text.size() == 0) return;
  if (prefix_.size() > allowance.growth()) allowance.refuse(name());
  const Span first = text.spans[0];
  text.chars.insert(0, prefix_.chars);
  text.spans.insert(text.spans.begin(), prefix_.size(), first);
}

ReplaceNormalizer::ReplaceNormalizer(Pattern pattern, std::string content)
    : pattern_(std::move(pattern)) {
  content_.assign(content, 0);
}

void ReplaceNormalizer::rewrite(Text& text, Allowance& allowance) const {
  if (text.size() == 0) return;
  static thread_local std::string utf8;
  static thread_local std::vector<Match> matches;
  const ReleaseIfLarge guard(utf8, matches, spare());
  utf8.clear();
  for (char32_t c : text.chars) utf8::append(utf8, c);
  pattern_.find_all(utf8, allowance.search(), matches);
  if (matches.empty()) return;

  const std::size_t limit = text.size() + allowance.growth();
  Text& result = spare();
  result.clear();
  std::size_t at = 0, byte = 0;  // the same place in characters and in bytes
  auto width = [](char32_t c) -> std::size_t {
    return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  };
  for (const Match& match : matches) {
    for (; byte < match.begin; byte += width(text.chars[at++])) {
      result.push(text.chars[at], text.spans[at]);
    }
    for (; byte < match.end; ++at) byte += width(text.chars[at]);
    // What is put in stands for the last character that was taken out.
    const Span span = at == 0 ? Span{text.base, text.base} : text.spans[at - 1];
    if (result.size() + content_.size() > limit) allowance.refuse(name());
    for (char32_t c : content_.chars) result.push(c, span);
  }
  for (; at < text.size(); ++at) result.push(text.chars[at], text.spans[at]);
  swap_in(text, result);
}

}  // namespace sapwood
