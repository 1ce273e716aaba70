// Extended grapheme clusters, where the reference has them (README.md, "Unicode").
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sapwood {

enum GraphemeFlag : uint16_t {
  kJoins = 1,     // goes with the character before it: an extender, a spacing mark or a joiner
  kExtender = 2,  // of those, what may stand between a picture and a joiner
  kPrepend = 4,   // goes with the character after it
  kControl = 8,   // stands alone
  kPicture = 16,  // joiners make one cluster of several
  kHangulL = 32,  // leading consonants; with kHangulV syllables without, with kHangulT with
  kHangulV = 64,  //   trailing ones
  kHangulT = 128,
  kConsonant = 256,  // of scripts in which linkers make one cluster of several
  kLinker = 512,
  kLinks = 1024,  // what may stand between consonants beside linkers, which have it too
};

// The flags of all code points in a two-level table.
class GraphemeTable {
 public:
  static const GraphemeTable& get();
  uint16_t operator()(char32_t c) const noexcept {
    return blocks_[static_cast<uint32_t>(index_[c >> 8]) << 8 | (c & 0xff)];
  }

 private:
  GraphemeTable();
  static constexpr int kMaxBlocks = 256;
  uint16_t index_[0x1100];
  uint16_t blocks_[kMaxBlocks << 8];
};

// Where the cluster that begins at `begin` ends. By the rules of Unicode Standard Annex 29, except that
// regional indicators stand alone: a flag's two have 8 bytes, and no user of this looks at clusters
// of more than 5.
std::size_t grapheme_end(std::u32string_view text, std::size_t begin,
                         const GraphemeTable& flags) noexcept;

}  // namespace sapwood
