#include "piece_trie.h"

#include "base/hash.h"
#include "base/quote.h"
#include "sapwood/error.h"
#include "sapwood/utf8.h"

namespace sapwood {
namespace {

constexpr std::size_t kFirstCapacity = 1 << 10;

}  // namespace

PieceTrie::PieceTrie(const Vocabulary& vocabulary) : seed_(hash_seed()) {
  // About as many edges as tokens, twice that in large vocabularies.
  std::size_t capacity = kFirstCapacity;
  while (capacity < static_cast<std::size_t>(vocabulary.count()) * 2) capacity *= 2;
  edges_.assign(capacity, {kFree, 0, 0, -1});
  mask_ = capacity - 1;
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const std::string_view token = vocabulary.token(id);
    if (token.size() > kMaxTokenBytes) {
      throw Error(ErrorCode::malformed,
                  "model.vocab: the token " + quote(token) + " has " +
                      std::to_string(token.size()) + " bytes; expected at most " +
                      std::to_string(kMaxTokenBytes) + ": take it out of the vocabulary");
    }
    Edge* edge = nullptr;
    uint32_t node = kRoot;
    for (std::size_t at = 0; at < token.size(); at += utf8::sequence_length(token.substr(at))) {
      edge = &find_or_add(node, utf8::decode(token.substr(at)));
      node = edge->child;
    }
    if (edge) edge->id = id;
  }
}

PieceTrie::Edge& PieceTrie::find_or_add(uint32_t node, char32_t c) {
  std::size_t slot = place(node, c);
  for (; edges_[slot].parent != kFree; slot = (slot + 1) & mask_) {
    if (edges_[slot].parent == node && edges_[slot].character == c) return edges_[slot];
  }
  if (nodes_ > mask_ / 2 + mask_ / 8) {
    grow();
    return find_or_add(node, c);
  }
  edges_[slot] = {node, c, nodes_++, -1};
  return edges_[slot];
}

void PieceTrie::grow() {
  std::vector<Edge> old(edges_.size() * 2, {kFree, 0, 0, -1});
  std::swap(edges_, old);
  mask_ = edges_.size() - 1;
  for (const Edge& edge : old) {
    if (edge.parent == kFree) continue;
    std::size_t slot = place(edge.parent, edge.character);
    while (edges_[slot].parent != kFree) slot = (slot + 1) & mask_;
    edges_[slot] = edge;
  }
}

}  // namespace sapwood
