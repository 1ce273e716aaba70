// Fast feedforward by conditional matrix multiplication (CMM), fp32.
//
// A walker is one token in one tree. Every path through this file computes a walker's numbers in
// one order: dot products over a fixed pattern of lanes and chains, the output as an FMA chain from
// the root down, trees added in order. They differ only in which walkers take turns:
//
//  - one walker: each level waits for the row that the last decision chose; the path's output rows
//    are fetched meanwhile, so that the output phase finds them in cache.
//  - up to kBlock walkers take turns level by level: one's rows arrive while others compute.
//  - many rows: all walk the top levels, whose nodes stay in the second-level cache; then they are
//    sorted by the subtree reached and go on in blocks of neighbours, which share nodes.
#include "isa.h"
#include "scratch.h"
#include "simd/math.h"
#include "simd/tile.h"

namespace sapwood::kernels::KERNEL_ISA {
namespace {

constexpr int kBlock = 32;      // walkers that take turns
constexpr int kMaxLevels = 32;  // floats from one walker's decisions to the next one's; depth <= 24
constexpr int kChains = 4;      // partial sums of a dot product, to overlap FMA latencies
constexpr int kOutputRegs = 8;  // columns of the output phase, in registers

struct Tree {
  const float* nodes;
  const float* bias;
  std::int64_t ld;

  const float* in(std::int64_t node) const { return nodes + node * 2 * ld; }
  const float* out(std::int64_t node) const { return in(node) + ld; }
};

struct Walker {
  const float* x;
  Tree tree;
  std::int64_t node;  // the next to visit
  float* z;           // [kMaxLevels] or [fff_z_stride(depth)] decisions so far
};

Tree tree_of(const FffArgs& a, int tree) {
  const std::int64_t nodes = fff_nodes(a.depth), ld = round_up(a.cols, kPanelWidth);
  return {a.nodes + tree * nodes * 2 * ld, a.bias + tree * nodes, ld};
}

// x . w over n floats: register i of the row is added to chain i mod 4. w is padded with zeros.
[[gnu::always_inline]] inline float dot(const float* x, const float* w, int n) {
  Reg chains[kChains];
#pragma GCC unroll 4
  for (int c = 0; c < kChains; ++c) chains[c] = zero();
  int j = 0;
  for (; j + kChains * kLanes <= n; j += kChains * kLanes) {
#pragma GCC unroll 4
    for (int c = 0; c < kChains; ++c) {
      chains[c] = fma(load_reg(x + j + c * kLanes), load_reg(w + j + c * kLanes), chains[c]);
    }
  }
#pragma GCC unroll 4
  for (int c = 0; c < kChains; ++c) {
    const int left = n - j - c * kLanes;
    if (left <= 0) break;
    const Reg value =
        left < kLanes ? load_first(x + j + c * kLanes, left) : load_reg(x + j + c * kLanes);
    chains[c] = fma(value, load_reg(w + j + c * kLanes), chains[c]);
  }
  return sum_lanes(add(add(chains[0], chains[1]), add(chains[2], chains[3])));
}

[[gnu::always_inline]] inline void prefetch_row(const float* row, std::int64_t floats) {
  for (std::int64_t j = 0; j < floats; j += kPanelWidth) prefetch_l1(row + j);
}

// z of the walker's node, and the step to a child: right where z > 0, so left for zero and NaN.
[[gnu::always_inline]] inline void visit(Walker& walker, int level, int cols) {
  const float z = dot(walker.x, walker.tree.in(walker.node), cols) + walker.tree.bias[walker.node];
  walker.z[level] = z;
  walker.node = 2 * walker.node + 1 + (z > 0.0f ? 1 : 0);
}

// Levels [begin, end) for walkers that take turns. Their dot products do not depend on each other,
// so the processor itself loads several rows at once; prefetch instructions were measured to cost
// more than they gain here.
void walk_block(Walker* walkers, int count, int begin, int end, int cols) {
  for (int level = begin; level < end; ++level) {
    for (int i = 0; i < count; ++i) visit(walkers[i], level, cols);
  }
}

// All levels for one walker. Its chain of loads is the time it takes, so the output row's fetch
// comes after the loads of the decision.
void walk_one(Walker& walker, int levels, int cols) {
  for (int level = 0; level < levels; ++level) {
    const float* out = walker.tree.out(walker.node);
    visit(walker, level, cols);
    prefetch_row(out, walker.tree.ld);
  }
}

// kRegs registers of columns of y, from column j.
template <int kRegs>
[[gnu::always_inline]] inline void output_columns(const float* const* rows, const float* weights,
                                                  int levels, float* y, int j, int cols,
                                                  bool first_tree) {
  Reg sums[kRegs];
#pragma GCC unroll 16
  for (int c = 0; c < kRegs; ++c) sums[c] = zero();
  for (int level = 0; level < levels; ++level) {
    const Reg weight = broadcast(weights[level]);
    const float* row = rows[level] + j;
#pragma GCC unroll 16
    for (int c = 0; c < kRegs; ++c) sums[c] = fma(weight, load_reg(row + c * kLanes), sums[c]);
  }
#pragma GCC unroll 16
  for (int c = 0; c < kRegs; ++c) {
    float* at = y + j + c * kLanes;
    const int left = cols - j - c * kLanes;
    if (left >= kLanes) {
      store_reg(at, first_tree ? sums[c] : add(load_reg(at), sums[c]));
    } else if (left > 0) {
      store_first(at, first_tree ? sums[c] : add(load_first(at, left), sums[c]), left);
    }
  }
}

// y = (or y +=) the sum over the walker's path, from the root down, of gelu(z) times the output
// row.
void write_output(Walker& walker, int levels, float* y, int cols, bool first_tree) {
  for (int level = levels; level % kLanes != 0; ++level) walker.z[level] = 0.0f;
  for (int level = 0; level < levels; level += kLanes) {
    store_reg(walker.z + level, gelu(Vec(load_reg(walker.z + level))));
  }
  const float* rows[kMaxLevels];
  std::int64_t node = walker.node;
  for (int level = levels - 1; level >= 0; --level) {
    node = (node - 1) / 2;
    rows[level] = walker.tree.out(node);
  }
  int j = 0;
  for (; j + kOutputRegs * kLanes <= cols; j += kOutputRegs * kLanes) {
    output_columns<kOutputRegs>(rows, walker.z, levels, y, j, cols, first_tree);
  }
  for (; j < cols; j += kLanes) {
    output_columns<1>(rows, walker.z, levels, y, j, cols, first_tree);
  }
}

// Few rows: the walkers of a block are some rows, each in some trees.
void run_few(const FffArgs& a) {
  alignas(kAlignment) float z[kBlock][kMaxLevels];
  Walker walkers[kBlock];
  const int levels = a.depth + 1;
  const int trees_at_once = a.rows < kBlock ? kBlock / a.rows : 1;
  for (int tree = 0; tree < a.trees; tree += trees_at_once) {
    const int trees = a.trees - tree < trees_at_once ? a.trees - tree : trees_at_once;
    int count = 0;
    for (int row = 0; row < a.rows; ++row) {
      for (int t = 0; t < trees; ++t, ++count) {
        walkers[count] = {a.x + row * a.x_stride, tree_of(a, tree + t), 0, z[count]};
      }
    }
    if (count == 1) {
      walk_one(walkers[0], levels, a.cols);
    } else {
      walk_block(walkers, count, 0, levels, a.cols);
    }
    for (int i = 0; i < count; ++i) {
      write_output(walkers[i], levels, a.y + i / trees * a.y_stride, a.cols, tree + i % trees == 0);
    }
  }
}

// Sorts the rows by node with the nodes of one level, [first, first + count), count <= 2^kFffStage.
// Stable.
void sort_by_node(const std::int32_t* nodes, int rows, std::int32_t first, std::int32_t* order) {
  std::int32_t starts[(1 << kFffStage) + 1] = {};
  for (int row = 0; row < rows; ++row) ++starts[nodes[row] - first + 1];
  for (int i = 0; i < 1 << kFffStage; ++i) starts[i + 1] += starts[i];
  for (int row = 0; row < rows; ++row) order[starts[nodes[row] - first]++] = row;
}

// Many rows, one tree at a time.
void run_many(const FffArgs& a) {
  const FffScratch parts = fff_parts(a.rows, a.depth);
  char* scratch = static_cast<char*>(a.scratch);
  float* z = reinterpret_cast<float*>(scratch);
  std::int32_t* nodes = reinterpret_cast<std::int32_t*>(scratch + parts.z);
  std::int32_t* order = reinterpret_cast<std::int32_t*>(scratch + parts.z + parts.nodes);
  const std::int64_t z_stride = fff_z_stride(a.depth);
  const int levels = a.depth + 1;
  const int top = levels < kFffStage ? levels : kFffStage;
  Walker walkers[kBlock];
  for (int t = 0; t < a.trees; ++t) {
    const Tree tree = tree_of(a, t);
    for (int row = 0; row < a.rows; ++row) {
      Walker walker{a.x + row * a.x_stride, tree, 0, z + row * z_stride};
      for (int level = 0; level < top; ++level) visit(walker, level, a.cols);
      nodes[row] = static_cast<std::int32_t>(walker.node);
    }
    sort_by_node(nodes, a.rows, (1 << top) - 1, order);
    for (int begin = 0; begin < a.rows; begin += kBlock) {
      const int count = a.rows - begin < kBlock ? a.rows - begin : kBlock;
      for (int i = 0; i < count; ++i) {
        const std::int32_t row = order[begin + i];
        walkers[i] = {a.x + row * a.x_stride, tree, nodes[row], z + row * z_stride};
      }
      walk_block(walkers, count, top, levels, a.cols);
      for (int i = 0; i < count; ++i) {
        write_output(walkers[i], levels, a.y + order[begin + i] * a.y_stride, a.cols, t == 0);
      }
    }
  }
}

}  // namespace

void fff(const FffArgs& a) noexcept {
  if (a.rows <= 0) return;
  if (a.rows <= kBlock) {
    run_few(a);
  } else {
    run_many(a);
  }
}

}  // namespace sapwood::kernels::KERNEL_ISA
