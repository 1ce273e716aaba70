// The decisions of conditional matrix multiplication (CMM): walkers, and the dot products of those
// that step together.
//
// A walker is one row (token) in one tree. Its dot product adds register i of the node's row to
// chain i mod kDotChains, then the chains, then the lanes in halves, whoever it steps with.
#pragma once

#include "simd/fetch.h"
#include "simd/tile.h"

namespace sapwood::kernels {
namespace {

// What all walkers of a call have in common, in bytes and words.
struct Forest {
  const FffArgs& a;
  std::int64_t x_stride;    // bytes
  std::int64_t node_bytes;  // input row and output row
  std::int64_t out_at;      // of the output row in a node
  std::int64_t nodes;       // of a tree
  int words;                // of an input row, without padding
  int levels;
  bool small;  // the trees stay in the second- or third-level cache
  bool fetch;  // small, and what walkers that take turns fetch stays in the first
  int near;  // levels of several trees that walks do not fetch: few rows read them anyway, or they were read in order

  const std::byte* x(int row) const { return static_cast<const std::byte*>(a.x) + row * x_stride; }
  const std::byte* tree(int i) const {
    return static_cast<const std::byte*>(a.nodes) + i * nodes * node_bytes;
  }
  const FffNode* params(int tree) const { return a.params + tree * nodes; }
};

// Trees of so many bytes in all count as small, rows of so many as short.
constexpr std::int64_t kSmallForest = std::int64_t{768} << 10;
constexpr std::int64_t kShortRow = 1536;

inline Forest forest_of(const FffArgs& a) {
  const int per_word = elements_per_word(a.decision_type);
  const std::int64_t node_bytes = fff_node_bytes(a.cols, a.decision_type, a.out_type);
  const std::int64_t row_bytes = fff_row_bytes(a.cols, a.decision_type);
  const bool small = a.trees * fff_nodes(a.depth) * node_bytes <= kSmallForest;
  return {.a = a,
          .x_stride = a.x_stride * 4 / per_word,
          .node_bytes = node_bytes,
          .out_at = row_bytes,
          .nodes = fff_nodes(a.depth),
          .words = (a.cols + per_word - 1) / per_word,
          .levels = a.depth + 1,
          .small = small,
          .fetch = small && row_bytes <= kShortRow,
          .near = 0};
}

struct Walker {
  const std::byte* x;
  const std::byte* tree;
  const FffNode* params;  // of the tree
  std::int64_t node;      // the next to visit
  float* z;               // decisions so far
  RowScale scale;         // of x, where that is int8
  int row;
};

inline Walker walker_at(const Forest& f, int row, int tree, std::int64_t node, float* z) {
  return {.x = f.x(row),
          .tree = f.tree(tree),
          .params = f.params(tree),
          .node = node,
          .z = z,
          .scale = f.a.x_scales == nullptr ? RowScale{} : f.a.x_scales[row],
          .row = row};
}

// Walkers that take turns level by level.
constexpr int kTurns = 16;
// So few take no turns to speak of.
constexpr int kAlone = 8;
// Rows are fetched ahead from this level on: above it they are shared, and so in cache.
constexpr int kFetchedLevel = 5;

// What the dot products that run together have in common.
enum class Shared { nothing, node, row };

// Registers that a step of the loop below takes from each row.
constexpr int kDotStep = 2 * kDotChains;

// The rest of the rows from word j on, fewer than a step of the loop in multiply_rows().
template <typename Dot, int kCount, Shared kShared>
[[gnu::always_inline]] inline void multiply_rest(const std::byte* const* x,
                                                 const std::byte* const* w, int j, int words,
                                                 typename Dot::Sum (&chains)[kCount][kDotChains],
                                                 Fetcher& fetcher) {
#pragma GCC unroll 8
  for (int c = 0; c < (kShared == Shared::row ? kDotChains : kDotStep); ++c) {
    const int left = words - j - c * kLanes;
    if (left <= 0) break;
    if constexpr (kCount > 1 && kShared != Shared::row) {
      fetcher.step();
      fetcher.step();
    }
    const int at = (j + c * kLanes) * 4;
    const auto load = [&](const std::byte* row) {
      return Dot::prepare(left < kLanes ? load_raw_first(row + at, left) : load_raw(row + at));
    };
    [[maybe_unused]] const typename Dot::X first = load(x[0]);
#pragma GCC unroll 8
    for (int i = 0; i < kCount; ++i) {
      typename Dot::Sum& sum = chains[i][c % kDotChains];
      sum = Dot::add(sum, kShared == Shared::row ? first : load(x[i]),
                     load_raw(w[kShared == Shared::node ? 0 : i] + at));
    }
  }
}

// The sums of kCount dot products x . w, not yet over the lanes. What is shared is x[0] or w[0]. w is
// padded with zeros to whole registers.
template <typename Dot, int kCount, Shared kShared>
[[gnu::always_inline]] inline void multiply_rows(const std::byte* const* x,
                                                 const std::byte* const* w, int words,
                                                 typename Dot::Sum (&sums)[kCount],
                                                 Fetcher& fetcher) {
  typename Dot::Sum chains[kCount][kDotChains];
  clear<Dot>(chains);
  // Short rows leave little to multiply_rest().
  constexpr int kStep = kShared == Shared::row ? kDotChains : kDotStep;
  int j = 0;
  for (; j + kStep * kLanes <= words; j += kStep * kLanes) {
    if constexpr (kShared == Shared::row) {
#pragma GCC unroll 8
      for (int c = 0; c < kStep; ++c) {
        const int at = (j + c * kLanes) * 4;
        const typename Dot::X row = Dot::prepare(load_raw(x[0] + at));
#pragma GCC unroll 8
        for (int i = 0; i < kCount; ++i) {
          typename Dot::Sum& sum = chains[i][c % kDotChains];
          sum = Dot::add(sum, row, load_raw(w[i] + at));
        }
      }
    } else if constexpr (kShared == Shared::node) {
#pragma GCC unroll 8
      for (int c = 0; c < kDotStep; ++c) {
        const int at = (j + c * kLanes) * 4;
        const Raw row = load_raw(w[0] + at);
        if constexpr (kCount > 1) {
          fetcher.step();
          fetcher.step();
        }
#pragma GCC unroll 8
        for (int i = 0; i < kCount; ++i) {
          typename Dot::Sum& sum = chains[i][c % kDotChains];
          sum = Dot::add(sum, Dot::prepare(load_raw(x[i] + at)), row);
        }
      }
    } else {
#pragma GCC unroll 8
      for (int i = 0; i < kCount; ++i) {
        if constexpr (kCount > 1) fetcher.step();
#pragma GCC unroll 8
        for (int c = 0; c < kDotStep; ++c) {
          const int at = (j + c * kLanes) * 4;
          typename Dot::Sum& sum = chains[i][c % kDotChains];
          sum = Dot::add(sum, Dot::prepare(load_raw(x[i] + at)), load_raw(w[i] + at));
        }
      }
    }
  }
  if (j < words) multiply_rest<Dot, kCount, kShared>(x, w, j, words, chains, fetcher);
#pragma GCC unroll 8
  for (int i = 0; i < kCount; ++i) {
    sums[i] = chains[i][0];
#pragma GCC unroll 8
    for (int c = 1; c < kDotChains; ++c) sums[i] = add(sums[i], chains[i][c]);
  }
}

// The decision z from a dot product.
template <typename Dot, typename Sum>
[[gnu::always_inline]] inline float decide(Sum sum, const Walker& walker, const FffNode& node) {
  if constexpr (Dot::kIntegers) {
    const std::int32_t zero = walker.scale.zero - Dot::kOffset;
    const std::int32_t dot = sum - zero * static_cast<std::int32_t>(node.in_sum);
    return static_cast<float>(dot) * (walker.scale.scale * node.in_scale) + node.bias;
  } else {
    return sum + node.bias;
  }
}

// The walker's step to a child: right where z > 0, so left for zero and NaN.
[[gnu::always_inline]] inline void step(Walker& walker, int level, float z) {
  walker.z[level] = z;
  walker.node = 2 * walker.node + 1 + (z > 0.0f ? 1 : 0);
}

// The node that the walker visits next, while others take their turns: its input row for the
// decision, its output row for later.
inline void fetch_node(const Forest& f, const Walker& walker) {
  const std::byte* node = walker.tree + walker.node * f.node_bytes;
  std::int64_t at = 0;
  for (; at < f.out_at; at += kAlignment) prefetch_l1(node + at);
  for (; at < f.node_bytes; at += kAlignment) prefetch_l2(node + at);
}

// kCount walkers take a step; they may stand at one node.
template <typename Dot, int kCount, Shared kShared>
[[gnu::noinline]] void visit(const Forest& f, Walker* walkers, int level, Fetcher& fetcher) {
  const std::byte* x[kCount];
  const std::byte* w[kCount];
  const FffNode* params[kCount];
  for (int i = 0; i < kCount; ++i) {
    const Walker& walker = walkers[i];
    x[i] = walker.x;
    w[i] = walker.tree + walker.node * f.node_bytes;
    params[i] = walker.params + walker.node;
  }
  typename Dot::Sum sums[kCount];
  multiply_rows<Dot, kCount, kShared>(x, w, f.words, sums, fetcher);
  if constexpr (kCount == 1) {
    step(walkers[0], level, decide<Dot>(sum_lanes(sums[0]), walkers[0], *params[0]));
  } else {
    decltype(sum_lanes(sums[0])) dots[kDots];
    typename Dot::Sum all[kDots];
#pragma GCC unroll 8
    for (int i = 0; i < kDots; ++i) all[i] = i < kCount ? sums[i] : Dot::zero();
    sum_each(all, dots);
    for (int i = 0; i < kCount; ++i) {
      step(walkers[i], level, decide<Dot>(dots[i], walkers[i], *params[i]));
      if (f.fetch && level + 1 < f.levels) fetch_node(f, walkers[i]);
    }
  }
}

// `count` walkers take a step, at most kCount; they share their node or not.
template <typename Dot, int kCount = kDots>
void visit_group(const Forest& f, Walker* walkers, int count, bool shared, int level,
                 Fetcher& fetcher) {
  if constexpr (kCount == 1) {
    visit<Dot, 1, Shared::nothing>(f, walkers, level, fetcher);
  } else if (count < kCount) {
    visit_group<Dot, kCount - 1>(f, walkers, count, shared, level, fetcher);
  } else if (shared) {
    visit<Dot, kCount, Shared::node>(f, walkers, level, fetcher);
  } else {
    visit<Dot, kCount, Shared::nothing>(f, walkers, level, fetcher);
  }
}

inline bool at_one_node(const Walker* walkers, int count) {
  bool same = true;
  for (int i = 1; i < count; ++i) {
    same &= walkers[i].node == walkers[0].node && walkers[i].tree == walkers[0].tree;
  }
  return same;
}

inline std::int64_t parent(std::int64_t node) { return (node - 1) / 2; }

// Asks for what walkers that have made a step will read: the input rows of the nodes that they have
// come to, while others take their turns; of a few alone, which read those at once, the output rows
// of the nodes that they have left.
inline void ask(const Forest& f, const Walker* walkers, int count, bool alone, Fetcher& fetcher) {
  const std::byte* last = nullptr;
  for (int i = 0; i < count; ++i) {
    const std::int64_t at = alone ? parent(walkers[i].node) : walkers[i].node;
    const std::byte* const node = walkers[i].tree + at * f.node_bytes;
    if (node == last) continue;
    last = node;
    fetcher.add(alone ? node + f.out_at : node);
  }
}

// `count` walkers take the steps of the levels [begin, end): kTurns at a time take turns level by
// level, in groups that step together. The inputs of that many stay in cache meanwhile. `other` is
// what to fetch instead of what they will read.
template <typename Dot>
void walk(const Forest& f, Walker* walkers, int count, int begin, int end,
          Fetcher* other = nullptr) {
  const int blocks = part_count(count, kTurns);
  for (int block = 0; block < blocks; ++block) {
    Walker* const first = walkers + part_begin(count, blocks, block);
    const int size = static_cast<int>(walkers + part_begin(count, blocks, block + 1) - first);
    const int groups = part_count(size, kDots);
    const bool alone = count <= kAlone && end == f.levels;
    Fetcher own(alone ? f.node_bytes - f.out_at : f.out_at);
    Fetcher& fetcher = other == nullptr ? own : *other;
    for (int level = begin; level < end; ++level) {
      for (int group = 0; group < groups; ++group) {
        Walker* const members = first + part_begin(size, groups, group);
        const int number = part_begin(size, groups, group + 1) - part_begin(size, groups, group);
        visit_group<Dot>(f, members, number, at_one_node(members, number), level, fetcher);
        const bool ahead = alone || (groups > 1 && level + 1 >= kFetchedLevel);
        if (other == nullptr && !f.small && ahead && level + 1 < end) {
          ask(f, members, number, alone, own);
        }
      }
    }
  }
}

}  // namespace
}  // namespace sapwood::kernels
