#include "piece_trie.h"

#include <algorithm>
#include <bit>
#include <string>

#include "base/hash.h"
#include "base/quote.h"
#include "sapwood/error.h"
#include "sapwood/utf8.h"

namespace sapwood {
namespace {

struct Piece {
  std::string_view text;
  int32_t id;
};

// The first eight bytes of a piece, the first the most significant, so that numbers are ordered as the
// pieces; zero behind its end.
uint64_t eight_bytes(std::string_view text) noexcept {
  uint64_t bytes = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    bytes = bytes << 8 | (i < text.size() ? static_cast<unsigned char>(text[i]) : 0);
  }
  return bytes;
}

// Whether `text` has the `length` bytes of a character at `at`: a call of memcmp would take longer.
bool has_character(std::string_view text, std::size_t at, const char* character,
                   std::size_t length) noexcept {
  if (text.size() < at + length) return false;
  for (std::size_t i = 0; i < length; ++i) {
    if (text[at + i] != character[i]) return false;
  }
  return true;
}

struct Keyed {
  uint64_t key;
  int32_t id;
};

// By the bytes of the key, from the last to the first; the order of equal ones stays.
void radix_sort(std::vector<Keyed>& pieces, std::vector<Keyed>& other) {
  other.resize(pieces.size());
  for (int shift = 0; shift < 64; shift += 8) {
    std::size_t starts[257] = {};
    for (const Keyed& p : pieces) ++starts[(p.key >> shift & 0xFF) + 1];
    for (int i = 0; i < 256; ++i) starts[i + 1] += starts[i];
    for (const Keyed& p : pieces) other[starts[p.key >> shift & 0xFF]++] = p;
    std::swap(pieces, other);
  }
}

// The tokens in the order of their bytes, which is that of their characters. They refer to `bytes`,
// where they lie in that order, too: what reads one after the other then finds them in the cache.
std::vector<Piece> sorted_pieces(const Vocabulary& vocabulary, std::string& bytes) {
  std::vector<Keyed> pieces, other;
  pieces.reserve(static_cast<std::size_t>(vocabulary.count()));
  std::size_t size = 0;
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const std::string_view text = vocabulary.token(id);
    if (text.size() > PieceTrie::kMaxTokenBytes) {
      throw Error(ErrorCode::malformed,
                  "model.vocab: the token " + quote(text) + " has " + std::to_string(text.size()) +
                      " bytes; expected at most " + std::to_string(PieceTrie::kMaxTokenBytes) +
                      ": take it out of the vocabulary");
    }
    if (!text.empty()) pieces.push_back({eight_bytes(text), id});
    size += text.size();
  }
  radix_sort(pieces, other);
  std::vector<Piece> sorted;
  sorted.reserve(pieces.size());
  bytes.reserve(size);  // never moves
  for (auto begin = pieces.begin(); begin != pieces.end();) {
    auto end = begin + 1;
    while (end != pieces.end() && end->key == begin->key) ++end;
    std::sort(begin, end, [&](const Keyed& a, const Keyed& b) {
      return vocabulary.token(a.id) < vocabulary.token(b.id);
    });
    for (; begin != end; ++begin) {
      const std::string_view text = vocabulary.token(begin->id);
      sorted.push_back({{bytes.data() + bytes.size(), text.size()}, begin->id});
      bytes += text;
    }
  }
  return sorted;
}

// Most characters of a table lie where their low bits say, or near to it; where a file has chosen them
// so that they do not, their hashes count.
constexpr uint32_t kMostProbes = 16;

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
      : trie_(trie), pieces_(sorted_pieces(vocabulary, bytes_)), scores_(scores) {
    trie.nodes_.reserve(pieces_.size() * 3);  // more than most vocabularies need
    trie.ids_.reserve(pieces_.size() * 3);
  }

  void build() {
    std::vector<Branch> open;
    make_table(trie_.root_, {0, pieces_.size(), 0}, open);
    while (!open.empty()) {
      const Branch branch = open.back();
      open.pop_back();
      Node node = trie_.nodes_[branch.node];
      make_table(node, branch, open);
      trie_.nodes_[branch.node] = node;
    }
  }

 private:
  // Of the pieces that go on from `node`, whose branch is `at`; their own branches go to `open`.
  void make_table(Node& node, Branch at, std::vector<Branch>& open) {
    if (pieces_[at.begin].text.size() == at.bytes) ++at.begin;  // the node's own comes first
    if (at.begin == at.end) return;
    branches_.clear();
    for (std::size_t i = at.begin; i < at.end;) {
      const std::string_view rest = pieces_[i].text.substr(at.bytes);
      const std::string_view first = rest.substr(0, utf8::sequence_length(rest));
      std::size_t end = i + 1;
      while (end < at.end &&
             has_character(pieces_[end].text, at.bytes, first.data(), first.size())) {
        ++end;
      }
      branches_.push_back({i, end, at.bytes + first.size(), utf8::decode(first)});
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
      place_all(table, size, true);
      node.info_ |= Node::kHashed;
    }
    for (auto branch = branches_.rbegin(); branch != branches_.rend(); ++branch) {
      fill(*branch);
      open.push_back(*branch);
    }
  }

  // False where one is too far from its place.
  bool place_all(uint32_t table, uint32_t size, bool hashed) {
    for (Branch& branch : branches_) {
      const uint32_t first = hashed ? trie_.hash(branch.character) : branch.character;
      uint32_t i = 0;
      const auto at = [&] { return table + ((first + i) & (size - 1)); };
      while ((trie_.nodes_[at()].info_ & Node::kCharacter) != Node::kFree) ++i;
      if (!hashed && i > kMostProbes) return false;
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
    node.score_ = scores_[static_cast<std::size_t>(piece.id)];
    trie_.ids_[branch.node] = piece.id;
  }

  PieceTrie& trie_;
  std::string bytes_;
  std::vector<Piece> pieces_;
  std::span<const double> scores_;
  std::vector<Branch> branches_;
};

PieceTrie::PieceTrie(const Vocabulary& vocabulary, std::span<const double> scores)
    : seed_(hash_seed()) {
  Builder(*this, vocabulary, scores).build();
}

}  // namespace sapwood
