// The vocabulary: tokens by id, ids by token.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/wraps.h"

namespace sapwood {

// Refers to text that somebody else holds while a vocabulary is made.
struct VocabularyEntry {
  std::string_view token;
  int64_t id;
};

// memcmp for tokens, which are so short that calling it takes longer.
inline bool same_bytes(const char* a, const char* b, std::size_t n) noexcept {
  const auto same = [&]<typename Word>(Word, std::size_t at) {
    Word x, y;
    std::memcpy(&x, a + at, sizeof x);
    std::memcpy(&y, b + at, sizeof y);
    return x == y;
  };
  if (n > 16) return std::memcmp(a, b, n) == 0;
  if (n >= 8) return same(uint64_t{}, 0) && same(uint64_t{}, n - 8);
  if (n >= 4) return same(uint32_t{}, 0) && same(uint32_t{}, n - 4);
  if (n >= 2) return same(uint16_t{}, 0) && same(uint16_t{}, n - 2);
  return n == 0 || *a == *b;
}

class Vocabulary {
 public:
  // Throws Error malformed for an empty vocabulary, a repeated token, a repeated or negative id, or
  // ids with more than kMaxHoles gaps. `where` names the source.
  Vocabulary(const std::vector<VocabularyEntry>& entries, std::string_view where);

  static constexpr int64_t kMaxHoles = 1 << 20;

  // One more than the largest id.
  int size() const noexcept { return static_cast<int>(tokens_.size()); }
  int count() const noexcept { return count_; }
  bool has(int32_t id) const noexcept { return id >= 0 && id < size() && tokens_[id].length != 0; }

  // The token of an id; empty where there is none.
  std::string_view token(int32_t id) const noexcept {
    const Piece p = tokens_[static_cast<std::size_t>(id)];
    return {bytes_.data() + p.begin, p.length};
  }

  // Id of a token, or -1.
  int32_t find(std::string_view token) const noexcept;

  // Hashing byte by byte, so that one pass over a word gives the hashes of all its prefixes.
  // It begins with seed(), which differs from process to process, so that no file can be made whose
  // tokens all collide.
  uint64_t seed() const noexcept { return seed_; }
  SAPWOOD_WRAPS static constexpr uint64_t step(uint64_t hash, unsigned char byte) noexcept {
    hash = (hash ^ byte) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32;
  }

  // Id of the token `prefix` + `rest` whose hash is known, or -1.
  int32_t find(uint64_t hash, std::string_view prefix, std::string_view rest) const noexcept {
    const auto tag = static_cast<uint32_t>(hash >> 32);
    for (std::size_t slot = hash & mask_;; slot = (slot + 1) & mask_) {
      const Slot s = slots_[slot];
      if (s.id < 0) return -1;
      if (s.tag == tag && equals(s.id, prefix, rest)) return s.id;
    }
  }

  // Bytes of the longest token.
  std::size_t max_token_bytes() const noexcept { return max_token_bytes_; }

 private:
  struct Piece {
    uint32_t begin = 0, length = 0;
  };
  struct Slot {
    uint32_t tag = 0;
    int32_t id = -1;
  };

  bool equals(int32_t id, std::string_view prefix, std::string_view rest) const noexcept {
    const Piece p = tokens_[static_cast<std::size_t>(id)];
    if (p.length != prefix.size() + rest.size()) return false;
    const char* const bytes = bytes_.data() + p.begin;
    return same_bytes(bytes + prefix.size(), rest.data(), rest.size()) &&
           same_bytes(bytes, prefix.data(), prefix.size());
  }

  uint64_t seed_;
  std::string bytes_;
  std::vector<Piece> tokens_;
  std::vector<Slot> slots_;  // open addressing, at most half full
  std::size_t mask_ = 0;
  std::size_t max_token_bytes_ = 0;
  int count_ = 0;
};

}  // namespace sapwood
