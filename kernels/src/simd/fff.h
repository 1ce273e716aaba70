// Fast feedforward by conditional matrix multiplication (CMM), for every type of decisions and
// output rows.
//
// Every path through this file computes a walker's numbers in one order (fff_walk.h, fff_output.h).
// They differ only in which walkers take turns:
//
//  - one walker: each level waits for the row that the last decision chose; the path's output rows
//    are fetched meanwhile, so that the output phase finds them in cache.
//  - up to kBlock walkers take turns level by level, in groups whose dot products run together:
//    eight rows of nodes stream in at once, where one would wait for memory.
//  - small trees: rows take turns by so many that each walks all trees of a block at once.
//  - many rows: all walk the top levels, whose nodes stay in the second-level cache; then they are
//    sorted by the subtree reached and go on in blocks of neighbours, which share nodes. A block is
//    sorted once more, by leaf, before its output.
//
// The output phase knows what it needs: it fetches the next nodes while it writes these rows.
#pragma once

#include "isa.h"
#include "scratch.h"
#include "simd/fff_output.h"
#include "simd/fff_walk.h"

namespace sapwood::kernels {
namespace {

constexpr int kBlock = 32;      // walkers between whose decisions and output nothing else happens
constexpr int kMaxLevels = 32;  // floats from one walker's decisions to the next one's; depth <= 24
constexpr int kMostNodes = 128;  // on a row's paths through the trees of one block
// Levels with so many rows for each node, whose nodes are then visited in 98 of 100 cases, are
// fetched before; not more than stays in cache.
constexpr int kSureRows = 4;
constexpr std::int64_t kSureBytes = std::int64_t{4} << 20;
// An output so large does not stay in cache, and is written past it.
constexpr std::int64_t kStreamedBytes = std::int64_t{8} << 20;

// The weights of a walked path, and its output rows: both from the root down.
inline void finish_path(const Forest& f, const Walker& walker, const std::byte** rows,
                        float* weights) {
  const int levels = f.levels;
  for (int level = levels; level % kLanes != 0; ++level) walker.z[level] = 0.0f;
  for (int level = 0; level < levels; level += kLanes) {
    store_reg(walker.z + level, gelu(Vec(load_reg(walker.z + level))));
  }
  std::int64_t node = walker.node;
  for (int level = levels - 1; level >= 0; --level) {
    node = parent(node);
    rows[level] = walker.tree + node * f.node_bytes + f.out_at;
    weights[level] = walker.z[level] * walker.params[node].out_scale;
  }
}

// Where the sums of row `row` start when the trees from `tree` on are added.
inline const float* start_of(const FffArgs& a, std::int64_t row, int tree) {
  if (tree > 0) return a.y + row * a.y_stride;
  return a.residual == nullptr ? nullptr : a.residual + row * a.residual_stride;
}

// All levels for one walker. Its chain of loads is the time it takes, so the output row's fetch
// comes after the loads of the decision.
template <typename Dot>
void walk_one(const Forest& f, Walker& walker) {
  Fetcher fetcher(0);  // nothing
  for (int level = 0; level < f.levels; ++level) {
    const std::byte* node = walker.tree + walker.node * f.node_bytes;
    visit<Dot, 1, false>(f, &walker, level, fetcher);
    for (std::int64_t i = f.out_at; i < f.node_bytes; i += kAlignment) prefetch_l1(node + i);
  }
}

// Whether this call's y is written past the caches when the last tree is added.
inline bool streams(const FffArgs& a) {
  constexpr std::uintptr_t kMask = kAlignment - 1;
  return std::int64_t{a.rows} * a.cols * 4 >= kStreamedBytes && a.y_stride % kPanelWidth == 0 &&
         (reinterpret_cast<std::uintptr_t>(a.y) & kMask) == 0;
}

// Writes rows of y from finished walkers: walkers[t * count + i] is that of row i in tree `tree` +
// t. (Not inlined: its 14 KB and its callers' 6 KB are on the stack together, but in no one frame.)
[[gnu::noinline]] void write_output(const Forest& f, const Walker* walkers, int count, int tree,
                                    int trees) {
  const FffArgs& a = f.a;
  const int nodes = trees * f.levels;
  const std::byte* rows[2][kOutputRows * kMostNodes];
  float weights[2][kOutputRows * kMostNodes];
  bool shared[2][kMostNodes];
  Output outputs[2][kOutputRows];
  Fetcher fetcher(f.node_bytes - f.out_at);
  // Makes a tile ready, from the walker `first` on, and asks for its rows of nodes.
  const auto prepare = [&](int first, int half) {
    const int size = count - first < kOutputRows ? count - first : kOutputRows;
    for (int i = 0; i < size; ++i) {
      const std::byte** const path = rows[half] + i * nodes;
      float* const path_weights = weights[half] + i * nodes;
      for (int t = 0; t < trees; ++t) {
        finish_path(f, walkers[t * count + first + i], path + t * f.levels,
                    path_weights + t * f.levels);
      }
      const std::int64_t row = walkers[first + i].row;
      outputs[half][i] = {path, path_weights, start_of(a, row, tree), a.y + row * a.y_stride};
    }
    for (int node = 0; node < nodes; ++node) {
      const std::byte** const all = rows[half] + node;
      shared[half][node] = true;
      for (int i = 1; i < size; ++i) shared[half][node] &= all[i * nodes] == all[0];
      if (first == 0 || node % f.levels < kFetchedLevel) continue;
      for (int i = 0; i < size; ++i) {
        bool asked = false;
        for (int j = 0; j < i; ++j) asked |= all[j * nodes] == all[i * nodes];
        if (!asked) fetcher.add(all[i * nodes]);
      }
    }
    return size;
  };
  OutputShape shape{a.out_type, nodes, a.cols, tree + trees == a.trees && streams(a), nullptr};
  int size = prepare(0, 0);
  for (int first = 0, half = 0; first < count; half = 1 - half) {
    const int next = first + size;
    const int next_size = next < count ? prepare(next, 1 - half) : 0;
    shape.shared = shared[half];
    write_rows(outputs[half], size, shape, fetcher);
    first = next;
    size = next_size;
  }
}

// Few rows, from the row `begin` on: the walkers of a block are some rows, each in some trees.
template <typename Dot>
void run_few(const Forest& f, int begin, int rows) {
  const FffArgs& a = f.a;
  alignas(kAlignment) float z[kBlock][kMaxLevels];
  Walker walkers[kBlock];
  const int most = kBlock / rows;
  const int trees_at_once = most * f.levels <= kMostNodes ? most : kMostNodes / f.levels;
  for (int tree = 0; tree < a.trees; tree += trees_at_once) {
    const int trees = a.trees - tree < trees_at_once ? a.trees - tree : trees_at_once;
    const int count = rows * trees;
    for (int i = 0; i < count; ++i) {
      walkers[i] = walker_at(f, begin + i % rows, tree + i / rows, 0, z[i]);
    }
    if (count == 1) {
      walk_one<Dot>(f, walkers[0]);
    } else {
      walk<Dot>(f, walkers, count, 0, f.levels);
    }
    write_output(f, walkers, rows, tree, trees);
  }
}

// Sorts the rows by node with the nodes of one level, [first, first + count), count <= 2^kFffStage.
// Stable.
inline void sort_by_node(const std::int32_t* nodes, int rows, std::int32_t first,
                         std::int32_t* order) {
  std::int32_t starts[(1 << kFffStage) + 1] = {};
  for (int row = 0; row < rows; ++row) ++starts[nodes[row] - first + 1];
  for (int i = 0; i < 1 << kFffStage; ++i) starts[i + 1] += starts[i];
  for (int row = 0; row < rows; ++row) order[starts[nodes[row] - first]++] = row;
}

// Sorts finished walkers by leaf: neighbours share most of their nodes. Stable. A tree of depth 24
// has fewer than 2^25 nodes.
static_assert(kBlock <= 64);
inline void sort_by_leaf(const Walker* walkers, int count, Walker* sorted) {
  std::int32_t keys[kBlock], ranks[kBlock] = {};
  for (int i = 0; i < count; ++i) {
    keys[i] = static_cast<std::int32_t>(parent(walkers[i].node)) * kBlock + i;
  }
  for (int i = count; i < kBlock; ++i) keys[i] = 0;
  for (int j = 0; j < count; ++j) {  // the inner loop is a few vectors
    for (int i = 0; i < kBlock; ++i) ranks[i] += keys[j] < keys[i] ? 1 : 0;
  }
  for (int i = 0; i < count; ++i) sorted[ranks[i]] = walkers[i];
}

inline std::int64_t nodes_above(int level) { return (std::int64_t{1} << level) - 1; }

// Many rows, one tree at a time.
template <typename Dot>
void run_many(const Forest& f) {
  const FffArgs& a = f.a;
  const FffScratch parts = fff_parts(a.rows, a.depth);
  char* scratch = static_cast<char*>(a.scratch);
  float* z = reinterpret_cast<float*>(scratch);
  std::int32_t* nodes = reinterpret_cast<std::int32_t*>(scratch + parts.z);
  std::int32_t* order = reinterpret_cast<std::int32_t*>(scratch + parts.z + parts.nodes);
  const std::int64_t z_stride = fff_z_stride(a.depth);
  const int top = f.levels < kFffStage ? f.levels : kFffStage;
  Walker walkers[kBlock];
  // The levels below whose nodes are visited all but surely: memory has time for them during the
  // top levels, and reads them in order.
  int sure = top;
  while (sure < f.levels && a.rows >> sure >= kSureRows &&
         nodes_above(sure + 1) * f.node_bytes <= kSureBytes) {
    ++sure;
  }
  for (int tree = 0; tree < a.trees; ++tree) {
    Fetcher fetcher((nodes_above(sure) - nodes_above(top)) * f.node_bytes);
    if (sure > top && !f.small) fetcher.add(f.tree(tree) + nodes_above(top) * f.node_bytes);
    for (int begin = 0; begin < a.rows; begin += kDots) {
      const int count = a.rows - begin < kDots ? a.rows - begin : kDots;
      for (int i = 0; i < count; ++i) {
        walkers[i] = walker_at(f, begin + i, tree, 0, z + (begin + i) * z_stride);
      }
      walk<Dot>(f, walkers, count, 0, top, &fetcher);
      for (int i = 0; i < count; ++i) {
        nodes[begin + i] = static_cast<std::int32_t>(walkers[i].node);
      }
    }
    sort_by_node(nodes, a.rows, (1 << top) - 1, order);
    for (int begin = 0; begin < a.rows; begin += kBlock) {
      const int count = a.rows - begin < kBlock ? a.rows - begin : kBlock;
      for (int i = 0; i < count; ++i) {
        const std::int32_t row = order[begin + i];
        walkers[i] = walker_at(f, row, tree, nodes[row], z + row * z_stride);
      }
      walk<Dot>(f, walkers, count, top, f.levels);
      Walker sorted[kBlock];
      sort_by_leaf(walkers, count, sorted);
      write_output(f, sorted, count, tree, 1);
    }
  }
}

// The rows of a block. Small trees stay in cache whoever walks them, so that some rows take all of
// them at once, and each element of y is written once.
inline int rows_at_once(const Forest& f) {
  if (!f.small || f.a.trees > kBlock / kOutputRows) return kBlock;
  return kBlock / f.a.trees / kOutputRows * kOutputRows;
}

template <typename Dot>
void run_fff(const FffArgs& a) {
  if (a.rows <= 0) return;
  const Forest f = forest_of(a);
  const int at_once = rows_at_once(f);
  if (a.rows <= at_once) {
    run_few<Dot>(f, 0, a.rows);
  } else if (at_once < kBlock) {
    for (int begin = 0; begin < a.rows; begin += at_once) {
      run_few<Dot>(f, begin, a.rows - begin < at_once ? a.rows - begin : at_once);
    }
  } else {
    run_many<Dot>(f);
  }
  if (streams(a)) _mm_sfence();
}

}  // namespace
}  // namespace sapwood::kernels
