// All pieces of a vocabulary that begin at one place of a text, in one walk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vocabulary.h"

namespace sapwood {

// A trie over characters. The characters that go on from a node lie in a small hash table of its own,
// and the tables in the order of a walk that goes into depth first: few lines of the cache for a walk,
// and the same ones for walks that begin alike.
class PieceTrie {
 public:
  // `scores`: one for each id. Error malformed for a token of more than kMaxTokenBytes.
  PieceTrie(const Vocabulary& vocabulary, std::span<const double> scores);

  // The trie as bytes, and back, for converted models; empty, or nothing, where it cannot be kept: then it
  // is made from the vocabulary. `ids`: the vocabulary's size. Error malformed: cut short, or what leads
  // outside. A walk through what came from bytes ends after kMaxTokenBytes characters if its caller ends it.
  std::string table() const;
  static std::optional<PieceTrie> from_table(std::span<const std::byte> bytes, int ids);

  // The steps of a walk from one character of a text at most; each looks at kMostProbes + 1 nodes at most.
  static constexpr std::size_t kMaxTokenBytes = 512;

  // A place in the trie: what the characters from the root to here are.
  class Node {
   public:
    bool is_token() const noexcept { return info_ & kToken; }
    double score() const noexcept { return score_; }  // of the token

   private:
    friend class PieceTrie;
    // Of info_: the last character, or kFree in tables; whether the characters are a token; and of the
    // table of those that go on from here, whether there is one, its size and its order.
    static constexpr uint32_t kCharacter = (1 << 21) - 1, kFree = kCharacter;
    static constexpr uint32_t kToken = 1 << 21, kTable = 1 << 22, kHashed = 1 << 23;
    static constexpr int kSizeShift = 24;  // of the size's logarithm

    uint32_t info_ = kFree;
    uint32_t table_ = 0;  // where it begins in nodes_
    double score_ = 0;
  };

  const Node& root() const noexcept { return root_; }

  // The node after `node` by a character; null where no token goes on like that.
  const Node* next(const Node& node, char32_t c) const noexcept {
    if (!(node.info_ & Node::kTable)) return nullptr;
    const uint32_t mask = (1u << (node.info_ >> Node::kSizeShift)) - 1;
    const Node* const table = nodes_.data() + node.table_;
    const uint32_t first = node.info_ & Node::kHashed ? hash(c) : c;
    const uint32_t last = mask < kMostProbes ? mask : kMostProbes;
    for (uint32_t i = 0; i <= last; ++i) {
      const Node& found = table[(first + i) & mask];
      const uint32_t character = found.info_ & Node::kCharacter;
      if (character == c) return &found;
      if (character == Node::kFree) return nullptr;
    }
    return nullptr;
  }

  // For a node of a token: its number, and by that the token's id.
  uint32_t number(const Node& node) const noexcept {
    return static_cast<uint32_t>(&node - nodes_.data());
  }
  int32_t id(uint32_t number) const noexcept { return ids_[number]; }

 private:
  struct Branch;
  class Builder;

  // The furthest that a character lies behind its place in a table.
  static constexpr uint32_t kMostProbes = 255;

  PieceTrie() = default;

  SAPWOOD_WRAPS uint32_t hash(char32_t c) const noexcept {
    return static_cast<uint32_t>((c ^ seed_) * 0x9e3779b97f4a7c15u >> 32);
  }

  uint64_t seed_ = 0;  // of the tables that are hashed; 0 unless a file's characters fall together
  Node root_;
  std::vector<Node> nodes_;
  std::vector<int32_t> ids_;  // of the nodes
};

}  // namespace sapwood
