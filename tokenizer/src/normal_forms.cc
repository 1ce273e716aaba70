// NFC, NFD, NFKC and NFKD with alignment. The changes that each character carries follow the
// reference's normalization crate, so that the spans come out the same after reordering and
// composition too.
#include <algorithm>

#include "call.h"
#include "normalizer.h"
#include "unicode.h"

namespace sapwood {
namespace {

// Decomposes in canonical order.
void decompose(const Text& text, bool compatibility, std::vector<Decomposed>& out) {
  const unicode::FlagTable& flags = unicode::FlagTable::get();
  out.clear();
  out.reserve(text.size());
  std::size_t run = 0;  // where the current run of non-starters begins
  auto sort_run = [&] {
    if (out.size() - run > 1) {
      std::stable_sort(out.begin() + static_cast<std::ptrdiff_t>(run), out.end(),
                       [](const Decomposed& a, const Decomposed& b) { return a.ccc < b.ccc; });
    }
  };
  auto push = [&](char32_t c, int change) {
    const uint8_t ccc = unicode::combining_class(c);
    if (ccc == 0) sort_run();
    out.push_back({c, ccc, change});
    if (ccc == 0) run = out.size();
  };
  for (char32_t c : text.chars) {
    if (!(flags(c) & unicode::kNormal)) {
      sort_run();
      out.push_back({c, 0, 0});
      run = out.size();
      continue;
    }
    char32_t parts[unicode::kMaxDecomposition];
    const int n = unicode::decompose(c, compatibility, parts);
    for (int i = 0; i < n; ++i) push(parts[i], i > 0);
  }
  sort_run();
}

// Canonical composition of what decompose() gives.
void compose(const std::vector<Decomposed>& elements, Rewriter& rewriter,
             std::vector<Decomposed>& marks) {
  marks.clear();
  bool have = false;  // a starter that may still compose
  Decomposed starter{};
  int last_ccc = -1;  // of the marks kept back since the starter
  auto flush_marks = [&] {
    for (const Decomposed& mark : marks) rewriter.emit(mark.c, mark.change);
    marks.clear();
    last_ccc = -1;
  };
  for (const Decomposed& e : elements) {
    if (!have) {
      if (e.ccc != 0) {
        rewriter.emit(e.c, e.change);
      } else {
        starter = e;
        have = true;
      }
      continue;
    }
    if (last_ccc < e.ccc) {  // not blocked
      if (const char32_t composite = unicode::compose(starter.c, e.c)) {
        starter.c = composite;
        starter.change += e.change - 1;
        continue;
      }
    }
    if (e.ccc == 0) {
      rewriter.emit(starter.c, starter.change);
      flush_marks();
      starter = e;
    } else {
      marks.push_back(e);
      last_ccc = e.ccc;
    }
  }
  if (have) rewriter.emit(starter.c, starter.change);
  flush_marks();
}

}  // namespace

const char* UnicodeNormalizer::name() const noexcept {
  switch (form_) {
    case NormalForm::nfc:
      return "the normalizer NFC";
    case NormalForm::nfd:
      return "the normalizer NFD";
    case NormalForm::nfkc:
      return "the normalizer NFKC";
    case NormalForm::nfkd:
      break;
  }
  return "the normalizer NFKD";
}

void to_normal_form(Text& text, NormalForm form, Call& call) {
  const unicode::FlagTable& flags = unicode::FlagTable::get();
  bool normal = true;  // nothing to decompose, reorder or compose
  for (char32_t c : text.chars) normal &= !(flags(c) & unicode::kNormal);
  const bool composes = form == NormalForm::nfc || form == NormalForm::nfkc;
  if (composes) {  // conjoining jamo and some vowel signs compose without being decomposable
    for (char32_t c : text.chars) normal &= c < 0x300;
  }
  if (normal) return;

  std::vector<Decomposed>& elements = call.scratch.decomposed;
  std::vector<Decomposed>& marks = call.scratch.marks;
  Text& result = call.scratch.rewritten;
  const ReleaseIfLarge guard(elements, marks, result);
  decompose(text, form == NormalForm::nfkc || form == NormalForm::nfkd, elements);
  Rewriter rewriter(text, result);
  if (composes) {
    compose(elements, rewriter, marks);
  } else {
    for (const Decomposed& e : elements) rewriter.emit(e.c, e.change);
  }
  std::swap(text.chars, result.chars);
  std::swap(text.spans, result.spans);
}

}  // namespace sapwood
