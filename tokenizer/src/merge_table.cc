#include "merge_table.h"

#include <algorithm>

#include "base/hash.h"

namespace sapwood {

// Multiplication by a random odd number, of which the highest bits count: nobody who does not know
// the number can choose pairs that fall together.
SAPWOOD_WRAPS std::size_t MergeTable::place(uint64_t pair) const noexcept {
  return static_cast<std::size_t>((pair * factor_) >> shift_);
}

MergeTable::MergeTable(const std::vector<Merge>& merges, bool stale_results)
    : stale_results_(stale_results), factor_(hash_seed() | 1) {
  while (mask_ + 1 < 2 * merges.size()) {
    mask_ = 2 * mask_ + 1;
    --shift_;
  }
  slots_.resize(mask_ + 1);
  uint32_t rank = 0;
  for (const Merge& merge : merges) {
    Slot& slot = slots_[static_cast<std::size_t>(&find(merge.left, merge.right) - slots_.data())];
    slot = {pair_of(merge.left, merge.right), rank++, merge.result};
  }
}

std::vector<std::pair<int32_t, int32_t>> MergeTable::pairs() const {
  std::vector<Slot> used;
  for (const Slot& slot : slots_) {
    if (slot.rank != kFree) used.push_back(slot);
  }
  std::ranges::sort(used, {}, &Slot::rank);
  std::vector<std::pair<int32_t, int32_t>> pairs;
  pairs.reserve(used.size());
  for (const Slot& slot : used) {
    pairs.emplace_back(static_cast<int32_t>(slot.pair >> 32), static_cast<int32_t>(slot.pair));
  }
  return pairs;
}

void MergeTable::apply(std::vector<BpeSymbol>& symbols, std::vector<BpeCandidate>& queue) const {
  if (symbols.size() < 2) return;
  if (symbols.size() <= kFewSymbols && !stale_results_) {
    apply_to_few(symbols);
  } else {
    apply_to_many(symbols, queue);
  }
}

void MergeTable::apply_to_few(std::vector<BpeSymbol>& symbols) const {
  const Slot* merges[kFewSymbols];  // of each symbol with the next one
  std::size_t n = symbols.size();
  for (std::size_t i = 0; i + 1 < n; ++i) merges[i] = &find(symbols[i].id, symbols[i + 1].id);
  while (n > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < n; ++i) {
      if (merges[i]->rank < merges[best]->rank) best = i;
    }
    if (merges[best]->rank == kFree) break;
    symbols[best].id = merges[best]->result;
    symbols[best].length += symbols[best + 1].length;
    --n;
    for (std::size_t i = best + 1; i < n; ++i) {
      symbols[i] = symbols[i + 1];
      merges[i - 1] = merges[i];
    }
    if (best > 0) merges[best - 1] = &find(symbols[best - 1].id, symbols[best].id);
    if (best + 1 < n) merges[best] = &find(symbols[best].id, symbols[best + 1].id);
  }
  symbols.resize(n);
}

void MergeTable::apply_to_many(std::vector<BpeSymbol>& symbols,
                               std::vector<BpeCandidate>& queue) const {
  constexpr uint32_t kNone = BpeSymbol::kNone;
  const auto later = [](const BpeCandidate& a, const BpeCandidate& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.at > b.at;
  };
  const auto n = static_cast<uint32_t>(symbols.size());
  queue.clear();
  for (uint32_t i = 0; i < n; ++i) {
    symbols[i].previous = i == 0 ? kNone : i - 1;
    symbols[i].next = i + 1 == n ? kNone : i + 1;
    if (i + 1 == n) break;
    const Slot& merge = find(symbols[i].id, symbols[i + 1].id);
    if (merge.rank != kFree) queue.push_back({merge.rank, i, merge.result});
  }
  std::ranges::make_heap(queue, later);
  const auto add = [&](uint32_t at) {
    const Slot& merge = find(symbols[at].id, symbols[symbols[at].next].id);
    if (merge.rank == kFree) return;
    queue.push_back({merge.rank, at, merge.result});
    std::ranges::push_heap(queue, later);
  };
  while (!queue.empty()) {
    std::ranges::pop_heap(queue, later);
    const BpeCandidate candidate = queue.back();
    queue.pop_back();
    BpeSymbol& left = symbols[candidate.at];
    if (left.length == 0 || left.next == kNone) continue;
    BpeSymbol& right = symbols[left.next];
    // What changed since then counts only if it has another result, as in the reference.
    const Slot& merge = find(left.id, right.id);
    if (merge.rank == kFree || merge.result != candidate.result) continue;
    left.id = candidate.result;
    left.length += right.length;
    right.length = 0;
    left.next = right.next;
    if (left.next != kNone) symbols[left.next].previous = candidate.at;
    if (left.previous != kNone) add(left.previous);
    if (left.next != kNone) add(candidate.at);
  }
  std::erase_if(symbols, [](const BpeSymbol& symbol) { return symbol.length == 0; });
}

}  // namespace sapwood
