// Fast feedforward by conditional matrix multiplication (CMM), for every type of decisions and
// output rows.
//
// Every path through this file computes a walker's numbers in one order (fff_walk.h, fff_output.h,
// fff_integers.h). They differ only in which walkers take turns:
//
//  - one walker: each level waits for the row that the last decision chose; the path's output rows
//    are fetched meanwhile, so that the output phase finds them in cache.
//  - up to kBlock walkers take turns level by level, in groups whose dot products run together:
//    eight rows of nodes stream in at once, where one would wait for memory.
//  - several trees: a few rows take turns, each in up to eight trees at once (fff_forest.h).
//  - many rows: all walk the top levels, whose nodes stay in the second-level cache; then they are
//    sorted by the subtree reached and go on in blocks of neighbours, which share nodes. A block is
//    sorted once more, by leaf, before its output.
//
// The output phase knows what it needs: it fetches the next nodes while it writes these rows.
#pragma once

#include "isa.h"
#include "scratch.h"
#include "simd/fff_forest.h"
#include "simd/fff_integers.h"
#include "simd/fff_output.h"
#include "simd/fff_walk.h"

namespace sapwood::kernels {
namespace {

constexpr int kBlock = 32;      // walkers between whose decisions and output nothing else happens
constexpr int kMaxLevels = 32;  // floats from one walker's decisions to the next one's; depth <= 24
// Levels with so many rows for each node, whose nodes are then visited in 98 of 100 cases, are
// fetched before; not more than stays in cache.
constexpr int kSureRows = 4;
constexpr std::int64_t kSureBytes = std::int64_t{4} << 20;
// With fewer rows than these, reading whole levels of several trees takes longer than it saves. Trees of so many bytes in
// all are taken to be in cache, those of the other layers beside them.
constexpr int kReadRows = 16;
constexpr std::int64_t kCachedForest = std::int64_t{128} << 10;
// More rows of floats than these walk several trees one after the other where those are larger than this in all.
constexpr int kForestBlock = 256;
constexpr std::int64_t kLargeForest = std::int64_t{8} << 20;
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
    visit<Dot, 1, Shared::nothing>(f, &walker, level, fetcher);
    for (std::int64_t i = f.out_at; i < f.node_bytes; i += kAlignment) prefetch_l1(node + i);
  }
}

// Whether this call's y is written past the caches when the last tree is added.
inline bool streams(const FffArgs& a) {
  constexpr std::uintptr_t kMask = kAlignment - 1;
  return std::int64_t{a.rows} * a.cols * 4 >= kStreamedBytes && a.y_stride % kPanelWidth == 0 &&
         (reinterpret_cast<std::uintptr_t>(a.y) & kMask) == 0;
}

// Output rows that are int8: from finished walkers of one tree, each row by itself.
[[gnu::noinline]] void write_int8_output(const Forest& f, const Walker* walkers, int count,
                                         int tree) {
  const FffArgs& a = f.a;
  const std::byte* rows[2][kMaxLevels] = {};
  alignas(kAlignment) float weights[2][kMaxLevels] = {};
  IntegerSums sums;
  Fetcher fetcher(f.node_bytes - f.out_at);
  const auto prepare = [&](int i) {
    finish_path(f, walkers[i], rows[i % 2], weights[i % 2]);
    for (int level = kFetchedLevel; i > 0 && level < f.levels; ++level) {
      fetcher.add(rows[i % 2][level]);
    }
  };
  prepare(0);
  for (int i = 0; i < count; ++i) {
    split_by_sign(weights[i % 2], rows[i % 2], f.levels, sums);
    if (i + 1 < count) prepare(i + 1);
    const int row = walkers[i].row;
    const bool stream = tree + 1 == a.trees && streams(a);
    write_row(sums, {start_of(a, row, tree), a.y + row * a.y_stride, a.cols, stream}, fetcher);
  }
}

// Writes rows of y from finished walkers: walkers[t * count + i] is that of row i in tree `tree` +
// t. (Not inlined: its 14 KB and its callers' 6 KB are on the stack together, but in no one frame.)
[[gnu::noinline]] void write_output(const Forest& f, const Walker* walkers, int count, int tree,
                                    int trees) {
  const FffArgs& a = f.a;
  const int nodes = trees * f.levels;
  const std::byte* rows[2][kOutputRows * kMostFffVisits];
  float weights[2][kOutputRows * kMostFffVisits];
  bool shared[2][kMostFffVisits];
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

// Rows of y of either kind.
inline void write_walked(const Forest& f, const Walker* walkers, int count, int tree, int trees) {
  if (f.a.out_type != DType::int8) return write_output(f, walkers, count, tree, trees);
  for (int t = 0; t < trees; ++t) write_int8_output(f, walkers + t * count, count, tree + t);
}

// Few rows: the walkers of a block are the rows, each in some trees.
template <typename Dot>
void run_few(const Forest& f) {
  const FffArgs& a = f.a;
  const int rows = a.rows;
  alignas(kAlignment) float z[kBlock][kMaxLevels];
  Walker walkers[kBlock];
  const int most = kBlock / rows;
  const int trees_at_once = most * f.levels <= kMostFffVisits ? most : kMostFffVisits / f.levels;
  for (int tree = 0; tree < a.trees; tree += trees_at_once) {
    const int trees = a.trees - tree < trees_at_once ? a.trees - tree : trees_at_once;
    const int count = rows * trees;
    for (int i = 0; i < count; ++i) {
      walkers[i] = walker_at(f, i % rows, tree + i / rows, 0, z[i]);
    }
    if (count == 1) {
      walk_one<Dot>(f, walkers[0]);
    } else {
      walk<Dot>(f, walkers, count, 0, f.levels);
    }
    write_walked(f, walkers, rows, tree, trees);
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
      write_walked(f, sorted, count, tree, 1);
    }
  }
}

// Turns the decisions of a row's steps into weights, in place: weights[step * kBandTrees + lane].
inline void weigh_steps(BandStep* steps, int count, float* weights) {
  for (int step = 0; step < count; ++step)
    _mm256_store_ps(weights + step * kBandTrees, _mm256_load_ps(steps[step].z));
  const int n = count * kBandTrees;
  for (int i = n; i % kLanes != 0; ++i) weights[i] = 0.0f;
  for (int i = 0; i < n; i += kLanes) store_reg(weights + i, gelu(Vec(load_reg(weights + i))));
  for (int step = 0; step < count; ++step) {
    float* const at = weights + step * kBandTrees;
    _mm256_store_ps(at, _mm256_mul_ps(_mm256_load_ps(at), _mm256_load_ps(steps[step].out_scale)));
  }
}

// The row of y of a token that has walked the trees [tree, tree + trees).
inline void write_forest_row(const Forest& f, int row, int tree, int trees, BandStep* steps) {
  const FffArgs& a = f.a;
  const int count = part_count(trees, kBandTrees) * f.levels;
  alignas(kAlignment) float weights[kMostSteps * kBandTrees + kLanes];
  weigh_steps(steps, count, weights);
  const std::byte* all[kMostSteps * kBandTrees + kLanes];
  for (int step = 0; step < count; ++step) {
    for (int i = 0; i < kBandTrees; ++i)
      all[step * kBandTrees + i] = steps[step].rows[i] + f.out_at;
  }
  const bool stream = tree + trees == a.trees && streams(a);
  Fetcher fetcher(0);  // nothing
  if (a.out_type == DType::int8) {
    IntegerSums sums;
    split_by_sign(weights, all, count * kBandTrees, sums);
    return write_row(sums, {start_of(a, row, tree), a.y + row * a.y_stride, a.cols, stream},
                     fetcher);
  }
  const std::byte* rows[kMostFffVisits];
  float in_order[kMostFffVisits];  // tree by tree
  for (int t = 0, visit = 0; t < trees; ++t) {
    for (int level = 0; level < f.levels; ++level, ++visit) {
      const int i = (t / kBandTrees * f.levels + level) * kBandTrees + t % kBandTrees;
      rows[visit] = all[i];
      in_order[visit] = weights[i];
    }
  }
  const Output output{rows, in_order, start_of(a, row, tree), a.y + row * a.y_stride};
  write_rows(&output, 1, {a.out_type, trees * f.levels, a.cols, stream, nullptr}, fetcher);
}

// Levels of several trees that have no more nodes than the call has rows, so that rows visit most of them.
inline int dense_levels(const Forest& f) {
  int levels = 0;
  while (levels < f.levels && f.a.rows >> levels >= 1 &&
         f.a.trees * nodes_above(levels + 1) * f.node_bytes <= kSureBytes) {
    ++levels;
  }
  return levels;
}

// Reads those levels from the first node to the last: lines in order come two to three times as fast as rows would find
// them, from memory and from the third-level cache. Loads do that; prefetches in order are no faster than the walk.
inline void read_dense_levels(const Forest& f) {
  const std::int64_t bytes = nodes_above(f.near) * f.node_bytes;
  for (int tree = 0; tree < f.a.trees; ++tree) {
    const auto* const first = reinterpret_cast<const volatile char*>(f.tree(tree));
    for (std::int64_t i = 0; i < bytes; i += kAlignment) static_cast<void>(first[i]);
  }
}

// Several small trees: some rows at a time, each in as many trees as are computed together.
template <typename Dot>
void run_forest(Forest& f) {
  const FffArgs& a = f.a;
  auto* const steps = static_cast<BandStep*>(a.scratch);
  const bool cached = a.trees * f.nodes * f.node_bytes <= kCachedForest;
  f.near = cached ? f.levels : dense_levels(f);
  if (!cached && a.rows >= kReadRows) read_dense_levels(f);
  const int most = fff_trees_together(a.depth);
  for (int begin = 0; begin < a.rows; begin += kForestRows) {
    const int rows = a.rows - begin < kForestRows ? a.rows - begin : kForestRows;
    for (int tree = 0; tree < a.trees; tree += most) {
      const int trees = a.trees - tree < most ? a.trees - tree : most;
      walk_forest<Dot>(f, begin, rows, tree, trees, steps);
      const int row_steps = part_count(trees, kBandTrees) * f.levels;
      for (int i = 0; i < rows; ++i) {
        write_forest_row(f, begin + i, tree, trees, steps + i * row_steps);
      }
    }
  }
}

template <typename Dot>
void run_fff(const FffArgs& a) {
  if (a.rows <= 0) return;
  Forest f = forest_of(a);
  // Very many rows of floats in large trees go tree by tree: then a tree stays in cache.
  const bool side_by_side = a.out_type == DType::int8 || a.rows <= kForestBlock ||
                            a.trees * f.nodes * f.node_bytes <= kLargeForest;
  if (a.trees > 1 && fff_trees_together(a.depth) > 1 && side_by_side) {
    run_forest<Dot>(f);
  } else if (a.rows <= kBlock) {
    run_few<Dot>(f);
  } else {
    run_many<Dot>(f);
  }
  if (streams(a)) _mm_sfence();
}

}  // namespace
}  // namespace sapwood::kernels
