#include "piece_trie.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <string>

#include "base/hash.h"
#include "base/large_pages.h"
#include "base/quote.h"
#include "sapwood/error.h"

namespace sapwood {
namespace {

struct Piece {
  std::string_view text;
  double score;
  int32_t id;
};

// The first eight bytes of a piece, the first the most significant, so that numbers are ordered as the
// pieces; zero behind its end.
uint64_t eight_bytes(std::string_view text) noexcept {
  uint64_t bytes = 0;
  const auto add = [&](std::size_t i) { bytes = bytes << 8 | static_cast<unsigned char>(text[i]); };
  if (text.size() >= 8) {
    for (std::size_t i = 0; i < 8; ++i) add(i);
    return bytes;
  }
  for (std::size_t i = 0; i < text.size(); ++i) add(i);
  return text.empty() ? 0 : bytes << 8 * (8 - text.size());
}

// The character of a valid text that begins at `at`, and its length in bytes: here, because a call for
// each character of a large vocabulary would take longer.
struct Character {
  char32_t value;
  std::size_t bytes;
};

Character character_at(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[at + i]));
  };
  const auto rest = [&](std::size_t i) { return byte(i) & 0x3F; };
  const char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xE0) return {(lead & 0x1F) << 6 | rest(1), 2};
  if (lead < 0xF0) return {(lead & 0x0F) << 12 | rest(1) << 6 | rest(2), 3};
  return {(lead & 0x07) << 18 | rest(1) << 12 | rest(2) << 6 | rest(3), 4};
}

struct Keyed {
  uint64_t key;
  int32_t id;
};

// By the bytes of the key, from the last to the first; the order of equal ones stays.
void radix_sort(std::vector<Keyed>& pieces) {
  std::vector<Keyed> other(pieces.size());
  std::vector<std::array<uint32_t, 256>> counts(8);
  for (const Keyed& p : pieces) {
    for (std::size_t i = 0; i < 8; ++i) ++counts[i][p.key >> 8 * i & 0xFF];
  }
  for (std::size_t i = 0; i < 8; ++i) {
    uint32_t starts[256];
    std::exclusive_scan(counts[i].begin(), counts[i].end(), starts, 0u);
    for (const Keyed& p : pieces) other[starts[p.key >> 8 * i & 0xFF]++] = p;
    std::swap(pieces, other);
  }
}

// Pieces whose first eight bytes are the same, by the others.
void sort_alike(std::span<Keyed> pieces, const Vocabulary& vocabulary) {
  constexpr std::size_t kShared = 8;
  for (Keyed& p : pieces) {
    const std::string_view text = vocabulary.token(p.id);
    p.key = eight_bytes(text.substr(std::min(kShared, text.size())));
  }
  std::ranges::sort(pieces, [&](const Keyed& a, const Keyed& b) {
    if (a.key != b.key) return a.key < b.key;
    return vocabulary.token(a.id) < vocabulary.token(b.id);  // longer, or with bytes of zero
  });
}

// The ids of the tokens in the order of their bytes, which is that of their characters.
std::vector<Keyed> sorted_ids(const Vocabulary& vocabulary) {
  std::vector<Keyed> pieces;
  pieces.reserve(static_cast<std::size_t>(vocabulary.count()));
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const std::string_view text = vocabulary.token(id);
    if (text.size() > PieceTrie::kMaxTokenBytes) {
      throw Error(ErrorCode::malformed,
                  "model.vocab: the token " + quote(text) + " has " + std::to_string(text.size()) +
                      " bytes; expected at most " + std::to_string(PieceTrie::kMaxTokenBytes) +
                      ": take it out of the vocabulary");
    }
    if (!text.empty()) pieces.push_back({eight_bytes(text), id});
  }
  radix_sort(pieces);
  for (auto begin = pieces.begin(); begin != pieces.end();) {
    auto end = begin + 1;
    while (end != pieces.end() && end->key == begin->key) ++end;
    if (end - begin > 1) sort_alike({begin, end}, vocabulary);
    begin = end;
  }
  return pieces;
}

// The tokens and their scores in that order. They refer to `bytes`, where they lie in that order, too:
// what reads one after the other then finds them in the cache.
std::vector<Piece> sorted_pieces(const Vocabulary& vocabulary, std::span<const double> scores,
                                 std::string& bytes) {
  const std::vector<Keyed> ids = sorted_ids(vocabulary);
  std::size_t size = 0;
  for (const Keyed& p : ids) size += vocabulary.token(p.id).size();
  bytes.resize(size);
  std::vector<Piece> sorted;
  sorted.reserve(ids.size());
  // Neighbours here are far apart there: what comes is asked for this many tokens ahead.
  constexpr std::size_t kAhead = 16;
  char* at = bytes.data();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i + kAhead < ids.size()) {
      const int32_t next = ids[i + kAhead].id;
      __builtin_prefetch(vocabulary.token(next).data());
      __builtin_prefetch(&scores[static_cast<std::size_t>(next)]);
    }
    const int32_t id = ids[i].id;
    const std::string_view text = vocabulary.token(id);
    sorted.push_back({{at, text.size()}, scores[static_cast<std::size_t>(id)], id});
    at = std::copy(text.begin(), text.end(), at);
  }
  return sorted;
}

// Most characters of a table lie where their low bits say, or near to it; where they do not, their hashes
// count.
constexpr uint32_t kFewProbes = 16;

// Tables of few characters may be full: a search ends after all of them.
uint32_t table_size(std::size_t count) {
  return static_cast<uint32_t>(std::bit_ceil(count <= 4 ? count : count + count / 2));
}

}  // namespace

// Pieces [begin, end) that begin alike, up to the character that leads to the node.
struct PieceTrie::Branch {
  std::size_t begin, end;
  std::size_t bytes;  // that they share
  char32_t character = 0;
  uint32_t node = 0;
};

class PieceTrie::Builder {
 public:
  Builder(PieceTrie& trie, const Vocabulary& vocabulary, std::span<const double> scores)
      : trie_(trie), pieces_(sorted_pieces(vocabulary, scores, bytes_)) {
    trie.nodes_.reserve(pieces_.size() * 3);  // more than most vocabularies need
    advise_large_pages(trie.nodes_.data(), trie.nodes_.capacity() * sizeof(Node));
    trie.ids_.reserve(pieces_.size() * 3);
  }

  // False where characters fall together with this seed.
  bool build(uint64_t seed) {
    trie_.seed_ = seed;
    trie_.root_ = {};
    trie_.nodes_.clear();
    trie_.ids_.clear();
    placed_ = true;
    std::vector<Branch> open;
    make_table(trie_.root_, {0, pieces_.size(), 0}, open);
    while (placed_ && !open.empty()) {
      const Branch branch = open.back();
      open.pop_back();
      Node node = trie_.nodes_[branch.node];
      make_table(node, branch, open);
      trie_.nodes_[branch.node] = node;
    }
    return placed_;
  }

 private:
  // Of the pieces that go on from `node`, whose branch is `at`; their own branches go to `open`.
  void make_table(Node& node, Branch at, std::vector<Branch>& open) {
    if (pieces_[at.begin].text.size() == at.bytes) ++at.begin;  // the node's own comes first
    if (at.begin == at.end) return;
    if (at.begin + 1 == at.end) return make_chain(node, at);
    branches_.clear();
    for (std::size_t i = at.begin; i < at.end;) {
      const Character first = character_at(pieces_[i].text, at.bytes);
      std::size_t end = i + 1;
      while (end < at.end && character_at(pieces_[end].text, at.bytes).value == first.value) ++end;
      branches_.push_back({i, end, at.bytes + first.bytes, first.value});
      i = end;
    }
    const uint32_t size = table_size(branches_.size());
    const auto table = static_cast<uint32_t>(trie_.nodes_.size());
    trie_.nodes_.resize(table + size);
    trie_.ids_.resize(table + size, -1);
    node.table_ = table;
    node.info_ |= Node::kTable | static_cast<uint32_t>(std::countr_zero(size)) << Node::kSizeShift;
    if (!place_all(table, size, false)) {
      std::fill_n(trie_.nodes_.begin() + table, size, Node());
      placed_ = place_all(table, size, true);
      node.info_ |= Node::kHashed;
      if (!placed_) return;
    }
    for (auto branch = branches_.rbegin(); branch != branches_.rend(); ++branch) {
      fill(*branch);
      open.push_back(*branch);
    }
  }

  // The same where one piece alone goes on, as most do at their ends: tables of one.
  void make_chain(Node& first, const Branch& at) {
    const Piece& piece = pieces_[at.begin];
    Node* node = &first;
    for (std::size_t bytes = at.bytes; bytes < piece.text.size();) {
      const Character next = character_at(piece.text, bytes);
      node->table_ = static_cast<uint32_t>(trie_.nodes_.size());
      node->info_ |= Node::kTable;
      node = &trie_.nodes_.emplace_back();
      node->info_ = next.value;
      trie_.ids_.push_back(-1);
      bytes += next.bytes;
    }
    fill({at.begin, at.end, piece.text.size(), 0, static_cast<uint32_t>(trie_.nodes_.size() - 1)});
  }

  // False where one is too far from its place.
  bool place_all(uint32_t table, uint32_t size, bool hashed) {
    for (Branch& branch : branches_) {
      const uint32_t first = hashed ? trie_.hash(branch.character) : branch.character;
      uint32_t i = 0;
      const auto at = [&] { return table + ((first + i) & (size - 1)); };
      while ((trie_.nodes_[at()].info_ & Node::kCharacter) != Node::kFree) ++i;
      if (i > (hashed ? kMostProbes : kFewProbes)) return false;
      branch.node = at();
      trie_.nodes_[branch.node].info_ = branch.character;
    }
    return true;
  }

  void fill(const Branch& branch) {
    const Piece& piece = pieces_[branch.begin];
    if (piece.text.size() != branch.bytes) return;
    Node& node = trie_.nodes_[branch.node];
    node.info_ |= Node::kToken;
    node.score_ = piece.score;
    trie_.ids_[branch.node] = piece.id;
  }

  PieceTrie& trie_;
  std::string bytes_;
  std::vector<Piece> pieces_;
  std::vector<Branch> branches_;
  bool placed_ = true;
};

PieceTrie::PieceTrie(const Vocabulary& vocabulary, std::span<const double> scores) {
  Builder builder(*this, vocabulary, scores);
  // Nobody can choose characters that fall together with a seed that is not known.
  for (uint64_t seed = 0; !builder.build(seed);) seed = seed == 0 ? hash_seed() | 1 : seed + 2;
}

}  // namespace sapwood
