// The trie as a table of a converted model, so that loading one need not make it.
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "base/large_pages.h"
#include "piece_trie.h"
#include "sapwood/error.h"

namespace sapwood {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::malformed,
              "the tables of the model Unigram: " + what + ": convert the model again");
}

}  // namespace

// As they lie in memory: the root, the nodes, and their ids.
std::string PieceTrie::table() const {
  static_assert(sizeof(Node) == 16);
  if constexpr (std::endian::native != std::endian::little) return {};
  if (seed_ != 0) return {};  // this process's
  const std::size_t nodes = nodes_.size() * sizeof(Node), ids = ids_.size() * sizeof(int32_t);
  std::string bytes(sizeof(Node) + nodes + ids, '\0');
  std::memcpy(bytes.data(), &root_, sizeof(Node));
  std::memcpy(bytes.data() + sizeof(Node), nodes_.data(), nodes);
  std::memcpy(bytes.data() + sizeof(Node) + nodes, ids_.data(), ids);
  return bytes;
}

std::optional<PieceTrie> PieceTrie::from_table(std::span<const std::byte> bytes, int ids) {
  if constexpr (std::endian::native != std::endian::little) return {};
  constexpr std::size_t kEach = sizeof(Node) + sizeof(int32_t);
  if (bytes.size() < sizeof(Node) || (bytes.size() - sizeof(Node)) % kEach != 0) {
    refuse("the pieces were cut short");
  }
  const std::size_t count = (bytes.size() - sizeof(Node)) / kEach;
  if (count > std::numeric_limits<uint32_t>::max()) refuse("there are too many pieces");
  // Whatever the bytes are, a walk stays inside of them.
  const auto leads_inside = [&](const Node& node) {
    if (!(node.info_ & Node::kTable)) return true;
    const uint32_t order = node.info_ >> Node::kSizeShift;
    return order < 32 && node.table_ + (uint64_t{1} << order) <= count;
  };
  PieceTrie trie;
  trie.nodes_.reserve(count);
  advise_large_pages(trie.nodes_.data(), count * sizeof(Node));
  trie.ids_.reserve(count);
  const std::byte* from = bytes.data();
  const std::byte* id_from = from + sizeof(Node) * (count + 1);
  std::memcpy(&trie.root_, from, sizeof(Node));
  bool inside = leads_inside(trie.root_) && !trie.root_.is_token();
  for (std::size_t i = 0; i < count; ++i) {
    Node node;
    int32_t id;
    std::memcpy(&node, from += sizeof node, sizeof node);
    std::memcpy(&id, id_from + i * sizeof id, sizeof id);
    inside &= leads_inside(node);
    if (node.is_token()) inside &= id >= 0 && id < ids && std::isfinite(node.score_);
    trie.nodes_.push_back(node);
    trie.ids_.push_back(id);
  }
  if (!inside) refuse("a piece lies outside of them");
  return trie;
}

}  // namespace sapwood
