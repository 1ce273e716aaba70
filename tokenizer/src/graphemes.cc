#include "graphemes.h"

#include <cstring>
#include <iterator>

namespace sapwood {
namespace {

struct FlagRun {
  char32_t first;
  uint16_t flags;
};

#include "grapheme_tables.inc"

constexpr char32_t kJoiner = 0x200D;

// Whether a syllable goes on: L before L, V, LV and LVT; V and LV before V and T; T and LVT before T.
bool syllable_goes_on(uint16_t before, uint16_t after) noexcept {
  constexpr uint16_t kAll = kHangulL | kHangulV | kHangulT;
  before &= kAll;
  after &= kAll;
  if (after == 0) return false;
  if (before == kHangulL) return after != kHangulT;
  if (before & kHangulV) return after == kHangulV || after == kHangulT;
  return (before & kHangulT) && after == kHangulT;
}

// What a cluster has so far of a sequence that a picture or a consonant may end.
class Sequences {
 public:
  explicit Sequences(char32_t c, uint16_t flags) noexcept { add(c, flags); }

  void add(char32_t c, uint16_t flags) noexcept {
    picture_joiner_ = picture_ && c == kJoiner;
    picture_ = (flags & kPicture) || (picture_ && (flags & kExtender));
    linker_ = (consonant_ && (flags & kLinker)) || (linker_ && (flags & kLinks));
    consonant_ = (flags & kConsonant) || (consonant_ && (flags & kLinks));
  }
  bool go_on(uint16_t flags) const noexcept {
    return (picture_joiner_ && (flags & kPicture)) || (linker_ && (flags & kConsonant));
  }

 private:
  bool picture_ = false, picture_joiner_ = false;  // a picture and extenders; and a joiner
  bool consonant_ = false, linker_ = false;  // a consonant and what links; a linker among that
};

}  // namespace

GraphemeTable::GraphemeTable() {
  int blocks = 0;
  const FlagRun* run = std::begin(kGraphemeRuns);
  const FlagRun* whole = nullptr;  // the run that all of the block before lies in
  const auto goes_on_to = [&](uint32_t c) {
    return run + 1 != std::end(kGraphemeRuns) && run[1].first <= c;
  };
  uint16_t block[256];
  for (uint32_t b = 0; b < 0x1100; ++b) {
    while (goes_on_to(b << 8)) ++run;
    if (run == whole && !goes_on_to(b << 8 | 0xFF)) {
      index_[b] = index_[b - 1];
      continue;
    }
    whole = goes_on_to(b << 8 | 0xFF) ? nullptr : run;
    for (uint32_t i = 0; i < 256; ++i) {
      while (goes_on_to(b << 8 | i)) ++run;
      block[i] = run->flags;
    }
    int same = 0;
    while (same < blocks && std::memcmp(blocks_ + (same << 8), block, sizeof block) != 0) ++same;
    if (same == blocks && blocks < kMaxBlocks) {
      std::memcpy(blocks_ + (blocks++ << 8), block, sizeof block);
    }
    index_[b] = static_cast<uint16_t>(same);
  }
}

const GraphemeTable& GraphemeTable::get() {
  static const GraphemeTable table;
  return table;
}

std::size_t grapheme_end(std::u32string_view text, std::size_t begin,
                         const GraphemeTable& flags) noexcept {
  uint16_t before = flags(text[begin]);
  if (text[begin] == U'\r' && begin + 1 < text.size() && text[begin + 1] == U'\n') {
    return begin + 2;
  }
  Sequences sequences(text[begin], before);
  std::size_t end = begin + 1;
  for (; end < text.size() && !(before & kControl); ++end) {
    const uint16_t after = flags(text[end]);
    if (after & kControl) break;
    const bool one = (after & kJoins) || (before & kPrepend) || syllable_goes_on(before, after) ||
                     sequences.go_on(after);
    if (!one) break;
    sequences.add(text[end], after);
    before = after;
  }
  return end;
}

}  // namespace sapwood
