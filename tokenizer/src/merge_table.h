// The merges of byte-pair encoding (Sennrich, Haddow, Birch 2016, arXiv:1508.07909): which two
// neighbouring tokens become one, and which merge goes first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace sapwood {

// A token of a word that is being merged. What is left of the word is a list linked both ways.
struct BpeSymbol {
  static constexpr uint32_t kNone = 0xffffffff;

  int32_t id;
  uint32_t length;          // bytes of the word that it stands for; 0: merged into one before it
  uint32_t previous, next;  // places of its neighbours, or kNone
};

// A merge that is waiting: of the symbol at `at` with the next one.
struct BpeCandidate {
  uint32_t rank, at;
  int32_t result;
};

class MergeTable {
 public:
  struct Merge {
    int32_t left, right, result;
  };

  // `merges` in the order of their ranks; of equal pairs the last one counts. `stale_results`: whether
  // two pairs of one result may stand at one place of a word, one after the other. Only a prefix that
  // merging takes away makes that possible.
  MergeTable(const std::vector<Merge>& merges, bool stale_results);

  // Merges the symbols of a word as far as it goes, the lowest rank first and of equal ones the
  // leftmost, and takes out those that are merged into others. `symbols` need no links. `queue` is
  // storage to work in. Time: n log n in the symbols.
  void apply(std::vector<BpeSymbol>& symbols, std::vector<BpeCandidate>& queue) const;

  // The pairs in the order of their ranks.
  std::vector<std::pair<int32_t, int32_t>> pairs() const;

 private:
  struct Slot {
    uint64_t pair;
    uint32_t rank = kFree;
    int32_t result = 0;
  };
  static constexpr uint32_t kFree = 0xffffffff;

  // Words up to this many symbols are searched through for each merge: quicker than a queue.
  static constexpr std::size_t kFewSymbols = 24;

  static uint64_t pair_of(int32_t left, int32_t right) noexcept {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  std::size_t place(uint64_t pair) const noexcept;
  // The pair's slot, or a free one.
  const Slot& find(int32_t left, int32_t right) const noexcept {
    const uint64_t pair = pair_of(left, right);
    std::size_t at = place(pair);
    while (slots_[at].rank != kFree && slots_[at].pair != pair) at = (at + 1) & mask_;
    return slots_[at];
  }

  void apply_to_few(std::vector<BpeSymbol>& symbols) const;
  void apply_to_many(std::vector<BpeSymbol>& symbols, std::vector<BpeCandidate>& queue) const;

  bool stale_results_;
  uint64_t factor_;
  int shift_ = 60;
  std::size_t mask_ = 15;
  std::vector<Slot> slots_;  // open addressing, at most half full
};

}  // namespace sapwood
