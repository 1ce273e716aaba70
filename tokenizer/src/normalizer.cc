#include "normalizer.h"

#include "call.h"
#include "sapwood/utf8.h"
#include "unicode.h"

namespace sapwood {
namespace {

using unicode::FlagTable;

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

void space_chinese(Text& text, Text& result) {
  bool any = false;
  for (char32_t c : text.chars) any |= unicode::is_chinese(c);
  if (!any) return;
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

void lowercase(Text& text, Text& result) {
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

void Normalizer::apply(Text& text, Call& call) const {
  const std::size_t before = text.size();
  rewrite(text, call);
  // The parts of a Sequence have each paid for themselves.
  if (steps() == 1 && text.size() > before) call.allowance.grow(text.size() - before, name());
}

NormalizerSequence::NormalizerSequence(std::vector<std::unique_ptr<Normalizer>> parts)
    : parts_(std::move(parts)) {
  for (const auto& part : parts_) steps_ += part->steps();
  require_steps(steps_, "normalizers");
}

void NormalizerSequence::rewrite(Text& text, Call& call) const {
  for (const auto& part : parts_) part->apply(text, call);
}

void BertNormalizer::rewrite(Text& text, Call& call) const {
  if (options_.clean_text) clean(text);
  if (options_.handle_chinese_chars) space_chinese(text, call.scratch.rewritten);
  if (options_.strip_accents) {
    to_normal_form(text, NormalForm::nfd, call);
    const FlagTable& flags = FlagTable::get();
    filter(text, [&](char32_t c) { return !(flags(c) & unicode::kMn); });
  }
  if (options_.lowercase) lowercase(text, call.scratch.rewritten);
}

void LowercaseNormalizer::rewrite(Text& text, Call& call) const {
  lowercase(text, call.scratch.rewritten);
}

void StripAccentsNormalizer::rewrite(Text& text, Call&) const {
  const FlagTable& flags = FlagTable::get();
  filter(text, [&](char32_t c) { return !(flags(c) & unicode::kMark); });
}

void NmtNormalizer::rewrite(Text& text, Call&) const {
  const auto removed = [](char32_t c) {
    return (c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F ||
           c == 0x8F || c == 0x9F;
  };
  const auto space = [](char32_t c) {
    return c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 ||
           (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
           c == 0xFEFF || c == 0xFFFD;
  };
  filter(text, [&](char32_t c) { return !removed(c); });
  for (char32_t& c : text.chars) {
    if (space(c)) c = U' ';
  }
}

void StripNormalizer::rewrite(Text& text, Call&) const {
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

void PrependNormalizer::rewrite(Text& text, Call& call) const {
  if (text.size() == 0) return;
  if (prefix_.size() > call.allowance.growth()) call.allowance.refuse(name());
  const Span first = text.spans[0];
  text.chars.insert(0, prefix_.chars);
  text.spans.insert(text.spans.begin(), prefix_.size(), first);
}

ReplaceNormalizer::ReplaceNormalizer(Pattern pattern, std::string content)
    : pattern_(std::move(pattern)) {
  content_.assign(content, 0);
}

void ReplaceNormalizer::rewrite(Text& text, Call& call) const {
  if (text.size() == 0) return;
  std::string& utf8 = call.scratch.replaced;
  std::vector<Match>& matches = call.scratch.matches;
  Text& result = call.scratch.rewritten;
  const ReleaseIfLarge guard(utf8, matches, result);
  utf8.clear();
  for (char32_t c : text.chars) utf8::append(utf8, c);
  pattern_.find_all(utf8, call.allowance.search(), matches);
  if (matches.empty()) return;

  const std::size_t limit = text.size() + call.allowance.growth();
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
    if (result.size() + content_.size() > limit) call.allowance.refuse(name());
    for (char32_t c : content_.chars) result.push(c, span);
  }
  for (; at < text.size(); ++at) result.push(text.chars[at], text.spans[at]);
  swap_in(text, result);
}

}  // namespace sapwood
