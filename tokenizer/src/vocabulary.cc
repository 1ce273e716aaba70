#include "vocabulary.h"

#include <algorithm>
#include <limits>

#include "base/hash.h"
#include "base/large_pages.h"
#include "base/quote.h"
#include "sapwood/error.h"

namespace sapwood {

Vocabulary::Vocabulary(const std::vector<VocabularyEntry>& entries, std::string_view where)
    : seed_(hash_seed()) {
  auto fail = [&](const std::string& what) -> void {
    throw Error(ErrorCode::malformed, std::string(where) + ": " + what);
  };
  if (entries.empty()) fail("the vocabulary is empty");
  const auto n = static_cast<int64_t>(entries.size());
  int64_t max_id = 0;
  std::size_t total = 0;
  std::vector<uint64_t> hashes;
  hashes.reserve(entries.size());
  for (const VocabularyEntry& e : entries) {
    if (e.token.empty()) fail("an empty token has the id " + std::to_string(e.id));
    if (e.id < 0 || e.id > std::numeric_limits<int32_t>::max() - 1) {
      fail("token " + quote(e.token) + " has the id " + std::to_string(e.id) +
           "; ids are from 0 to 2147483646");
    }
    max_id = std::max(max_id, e.id);
    max_token_bytes_ = std::max(max_token_bytes_, e.token.size());
    total += e.token.size();
    uint64_t hash = seed_;
    for (char c : e.token) hash = step(hash, static_cast<unsigned char>(c));
    hashes.push_back(hash);
  }
  if (max_id - n >= kMaxHoles) {
    fail("the largest id is " + std::to_string(max_id) + " but there are only " +
         std::to_string(n) + " tokens; at most " + std::to_string(kMaxHoles) +
         " ids may be left out");
  }
  if (total > std::numeric_limits<uint32_t>::max()) fail("the tokens take more than 4 GiB");

  bytes_.reserve(total);
  tokens_.resize(static_cast<std::size_t>(max_id) + 1);
  std::size_t capacity = 16;
  while (capacity < entries.size() * 2) capacity *= 2;
  slots_.reserve(capacity);
  advise_large_pages(slots_.data(), capacity * sizeof(Slot));
  slots_.resize(capacity);
  mask_ = capacity - 1;
  // The places of a large table are not in the cache: asked for this many tokens ahead.
  constexpr std::size_t kAhead = 16;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i + kAhead < entries.size()) __builtin_prefetch(&slots_[hashes[i + kAhead] & mask_], 1);
    const VocabularyEntry& e = entries[i];
    const uint64_t hash = hashes[i];
    Piece& piece = tokens_[static_cast<std::size_t>(e.id)];
    if (piece.length != 0) {
      fail("the id " + std::to_string(e.id) + " is given to both " +
           quote(token(static_cast<int32_t>(e.id))) + " and " + quote(e.token));
    }
    const auto tag = static_cast<uint32_t>(hash >> 32);
    std::size_t slot = hash & mask_;
    for (; slots_[slot].id >= 0; slot = (slot + 1) & mask_) {
      if (slots_[slot].tag != tag || token(slots_[slot].id) != e.token) continue;
      fail("the token " + quote(e.token) + " occurs twice, with the ids " +
           std::to_string(slots_[slot].id) + " and " + std::to_string(e.id));
    }
    slots_[slot] = {tag, static_cast<int32_t>(e.id)};
    piece.begin = static_cast<uint32_t>(bytes_.size());
    piece.length = static_cast<uint32_t>(e.token.size());
    bytes_ += e.token;
    ++count_;
  }
}

int32_t Vocabulary::find(std::string_view text) const noexcept {
  uint64_t hash = seed_;
  for (char c : text) hash = step(hash, static_cast<unsigned char>(c));
  return find(hash, {}, text);
}

}  // namespace sapwood
