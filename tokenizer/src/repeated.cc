#include "repeated.h"

#include "base/hash.h"

namespace sapwood {

std::vector<std::pair<VocabularyEntry, VocabularyEntry>> keep_last(
    std::vector<VocabularyEntry>& entries) {
  // Which entry has a token so far, by hash: open addressing, at most half full.
  constexpr std::uint32_t kNone = 0xffffffff;
  std::size_t slots = 16;
  while (slots < 2 * entries.size()) slots *= 2;
  std::vector<std::uint32_t> table(slots, kNone);
  const std::uint64_t seed = hash_seed();

  std::vector<std::pair<VocabularyEntry, VocabularyEntry>> repeated;
  std::vector<bool> taken(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    std::size_t slot = seeded_hash(entries[i].token, seed) & (slots - 1);
    while (table[slot] != kNone && entries[table[slot]].token != entries[i].token) {
      slot = (slot + 1) & (slots - 1);
    }
    if (table[slot] != kNone) {
      taken[table[slot]] = true;
      repeated.emplace_back(entries[table[slot]], entries[i]);
    }
    table[slot] = static_cast<std::uint32_t>(i);
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
