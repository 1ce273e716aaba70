// Unicode as the reference tokenizer sees it (see README.md, "Unicode").
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

namespace sapwood::unicode {

enum Flag : uint8_t {
  kRemoved =
      1,       // dropped by BertNormalizer's clean_text (controls, unassigned, private use, U+FFFD)
  kSpace = 2,  // whitespace
  kMn = 4,     // nonspacing mark by the reference's category tables
  kMark = 8,   // any mark by the reference's normalization tables
  kPunct = 16,   // punctuation: ASCII's, or general category P
  kWord = 32,    // \w of the reference's regular expressions
  kNormal = 64,  // has a decomposition or combining class in the reference's Unicode version
  kCased = 128,  // has a lowercase mapping
};

// What the regular expressions of byte-level BPE ask of a character; at most one is set.
enum Class : uint8_t {
  kLetter = 1,  // \p{L}
  kNumber = 2,  // \p{N}
  kWhite = 4,   // \s: the same characters as kSpace
};

// Flags of all code points in a two-level table, expanded once from the run-length tables (110 kB).
class FlagTable {
 public:
  static const FlagTable& get();      // of Flag
  static const FlagTable& classes();  // of Class
  uint8_t operator()(char32_t c) const noexcept {
    return blocks_[static_cast<uint32_t>(index_[c >> 8]) << 8 | (c & 0xff)];
  }

 private:
  explicit FlagTable(std::span<const uint32_t> runs);
  static constexpr int kMaxBlocks = 768;
  uint16_t index_[0x1100];
  uint8_t blocks_[kMaxBlocks << 8];
};

// Lowercase of a character with kCased. U+0130 is the one that becomes two: its second is
// kDotAbove.
inline constexpr char32_t kCapitalDottedI = 0x130, kDotAbove = 0x307;
char32_t lowercase(char32_t c) noexcept;

// Whether the general category is N.
bool is_numeric(char32_t c) noexcept;

// Canonical combining class; 0 unless kNormal.
uint8_t combining_class(char32_t c) noexcept;

// Full canonical (or compatibility) decomposition into out; returns its length (at most 18).
inline constexpr int kMaxDecomposition = 18;
int decompose(char32_t c, bool compatibility, char32_t out[kMaxDecomposition]) noexcept;

// The primary composite of a pair, or 0.
char32_t compose(char32_t first, char32_t second);

// Blocks that BERT treats as Chinese characters; the reference leaves out U+2B820-U+2B91F.
constexpr bool is_chinese(char32_t c) noexcept {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B81F) ||
         (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x2F800 && c <= 0x2FA1F);
}

}  // namespace sapwood::unicode
