#include "repeated.h"

#include <algorithm>
#include <numeric>

namespace sapwood {

std::vector<std::pair<VocabularyEntry, VocabularyEntry>> keep_last(
    std::vector<VocabularyEntry>& entries) {
  std::vector<std::size_t> order(entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return entries[a].token < entries[b].token;
  });
  std::vector<std::pair<VocabularyEntry, VocabularyEntry>> repeated;
  std::vector<bool> taken(entries.size());
  for (std::size_t i = 1; i < order.size(); ++i) {
    const VocabularyEntry &first = entries[order[i - 1]], &second = entries[order[i]];
    if (first.token != second.token) continue;
    taken[order[i - 1]] = true;
    repeated.emplace_back(first, second);
  }
  if (repeated.empty()) return repeated;
  std::vector<VocabularyEntry> kept;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!taken[i]) kept.push_back(entries[i]);
  }
  entries = std::move(kept);
  return repeated;
}

}  // namespace sapwood
