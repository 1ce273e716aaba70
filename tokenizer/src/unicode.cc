#include "unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <unordered_map>

#include "base/wraps.h"

namespace sapwood::unicode {
namespace {

struct NumericRun {
  uint32_t first, last;
};

struct LowercaseRun {
  uint32_t first, last;
  uint32_t stride;
  int32_t delta;
};

#include "unicode_tables.inc"

constexpr char32_t kHangulS = 0xAC00, kHangulL = 0x1100, kHangulV = 0x1161, kHangulT = 0x11A7;
constexpr uint32_t kCountL = 19, kCountV = 21, kCountT = 28;

// Primary composites by pair. utf8proc gives full decompositions only, so the pairs are recovered:
// the last element is the second of the pair and the rest is the decomposition of the first.
class Compositions {
 public:
  Compositions() {
    const FlagTable& flags = FlagTable::get();
    std::map<std::u32string, char32_t> composite_of;
    for (char32_t c = 0; c < 0x30000; ++c) {
      if (!(flags(c) & kNormal) || (c >= kHangulS && c < kHangulS + 11172)) continue;
      char32_t parts[kMaxDecomposition];
      int n = decompose(c, false, parts);
      std::u32string text(parts, n);
      if (n >= 2 && is_primary(c, text)) composite_of.emplace(std::move(text), c);
    }
    for (const auto& [text, composite] : composite_of) {
      char32_t first = text[0];
      if (text.size() > 2) {
        auto it = composite_of.find(text.substr(0, text.size() - 1));
        if (it == composite_of.end()) continue;
        first = it->second;
      }
      pairs_.emplace(key(first, text.back()), composite);
    }
  }

  char32_t find(char32_t first, char32_t second) const {
    auto it = pairs_.find(key(first, second));
    return it == pairs_.end() ? 0 : it->second;
  }

 private:
  static uint64_t key(char32_t first, char32_t second) {
    return static_cast<uint64_t>(first) << 32 | second;
  }

  // Composition exclusions do not compose back to themselves.
  static bool is_primary(char32_t c, const std::u32string& decomposition) {
    std::u32string text = decomposition;
    auto* buffer = reinterpret_cast<utf8proc_int32_t*>(text.data());
    utf8proc_ssize_t n = utf8proc_normalize_utf32(
        buffer, static_cast<utf8proc_ssize_t>(text.size()),
        static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
    return n == 1 && text[0] == c;
  }

  std::unordered_map<uint64_t, char32_t> pairs_;
};

}  // namespace

FlagTable::FlagTable(std::span<const uint32_t> runs) {
  std::fill(std::begin(index_), std::end(index_), uint16_t{0});
  int used = 0;
  int uniform[256];  // the block all of whose characters have the same flags
  std::fill(std::begin(uniform), std::end(uniform), -1);
  std::size_t run = 0;
  for (uint32_t block = 0; block < 0x1100; ++block) {
    const uint32_t first = block << 8, last = first | 0xff;
    while (run + 1 < runs.size() && runs[run + 1] >> 8 <= first) ++run;
    const uint32_t next = run + 1 < runs.size() ? runs[run + 1] >> 8 : 0x110000;
    const uint8_t value = runs[run] & 0xff;
    if (next > last && uniform[value] >= 0) {
      index_[block] = static_cast<uint16_t>(uniform[value]);
      continue;
    }
    if (next > last) uniform[value] = used;
    for (uint32_t c = first; c <= last; ++c) {
      while (run + 1 < runs.size() && runs[run + 1] >> 8 <= c) ++run;
      blocks_[(used << 8) + (c - first)] = runs[run] & 0xff;
    }
    index_[block] = static_cast<uint16_t>(used++);
  }
}

const FlagTable& FlagTable::get() {
  static const FlagTable table(kFlagRuns);
  return table;
}

const FlagTable& FlagTable::classes() {
  static const FlagTable table(kClassRuns);
  return table;
}

bool is_numeric(char32_t c) noexcept {
  const auto* run =
      std::upper_bound(std::begin(kNumericRuns), std::end(kNumericRuns), static_cast<uint32_t>(c),
                       [](uint32_t value, const NumericRun& r) { return value < r.first; });
  return run != std::begin(kNumericRuns) && c <= run[-1].last;
}

char32_t lowercase(char32_t c) noexcept {
  if (c == kCapitalDottedI) return U'i';
  const auto* run = std::upper_bound(
      std::begin(kLowercaseRuns), std::end(kLowercaseRuns), static_cast<uint32_t>(c),
      [](uint32_t value, const LowercaseRun& r) { return value < r.first; });
  if (run == std::begin(kLowercaseRuns)) return c;
  --run;
  if (c > run->last || (c - run->first) % run->stride != 0) return c;
  return static_cast<char32_t>(static_cast<int32_t>(c) + run->delta);
}

uint8_t combining_class(char32_t c) noexcept {
  if (!(FlagTable::get()(c) & kNormal)) return 0;
  return static_cast<uint8_t>(
      utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->combining_class);
}

int decompose(char32_t c, bool compatibility, char32_t out[kMaxDecomposition]) noexcept {
  out[0] = c;
  if (!(FlagTable::get()(c) & kNormal)) return 1;
  int options = UTF8PROC_DECOMPOSE | UTF8PROC_STABLE;
  if (compatibility) options |= UTF8PROC_COMPAT;
  int boundary = 0;
  utf8proc_int32_t parts[kMaxDecomposition];
  utf8proc_ssize_t n =
      utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts, kMaxDecomposition,
                              static_cast<utf8proc_option_t>(options), &boundary);
  if (n < 1 || n > kMaxDecomposition) return 1;
  for (utf8proc_ssize_t i = 0; i < n; ++i) out[i] = static_cast<char32_t>(parts[i]);
  return static_cast<int>(n);
}

SAPWOOD_WRAPS char32_t compose(char32_t first, char32_t second) {
  if (first - kHangulL < kCountL && second - kHangulV < kCountV) {
    return kHangulS + ((first - kHangulL) * kCountV + (second - kHangulV)) * kCountT;
  }
  if (first - kHangulS < kCountL * kCountV * kCountT && (first - kHangulS) % kCountT == 0 &&
      second - kHangulT - 1 < kCountT - 1) {
    return first + (second - kHangulT);
  }
  static const Compositions compositions;
  return compositions.find(first, second);
}

}  // namespace sapwood::unicode
