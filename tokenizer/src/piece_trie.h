// All pieces of a vocabulary that begin at one place of a text, in one walk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "vocabulary.h"

namespace sapwood {

// A trie over characters whose edges lie in one hash table: a step is one look into it. Made in time
// linear in the characters of the tokens. The table's seed is the process's, so that no file can be
// made whose edges all collide.
class PieceTrie {
 public:
  // Error malformed for a token of more than kMaxTokenBytes.
  explicit PieceTrie(const Vocabulary& vocabulary);

  // What a walk costs at most for each character of a text.
  static constexpr std::size_t kMaxTokenBytes = 512;

  static constexpr uint32_t kRoot = 0;

  // The edge from `node` by a character; null where no token goes on like that.
  struct Edge {
    uint32_t parent;  // kFree: no edge
    char32_t character;
    uint32_t child;
    int32_t id;  // of the token that ends there; -1: none does
  };
  const Edge* step(uint32_t node, char32_t c) const noexcept {
    for (std::size_t slot = place(node, c);; slot = (slot + 1) & mask_) {
      const Edge& edge = edges_[slot];
      if (edge.parent == node && edge.character == c) return &edge;
      if (edge.parent == kFree) return nullptr;
    }
  }

 private:
  static constexpr uint32_t kFree = UINT32_MAX;

  std::size_t place(uint32_t node, char32_t c) const noexcept {
    const uint64_t hash = ((static_cast<uint64_t>(node) << 32 | c) ^ seed_) * 0x9e3779b97f4a7c15u;
    return (hash >> 32 ^ hash) & mask_;
  }
  Edge& find_or_add(uint32_t node, char32_t c);
  void grow();

  uint64_t seed_;
  std::vector<Edge> edges_;
  std::size_t mask_;
  uint32_t nodes_ = 1;
};

}  // namespace sapwood
