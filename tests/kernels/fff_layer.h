// A layer of trees for tests of CMM, in every combination of types.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "catch.h"
#include "oracle.h"
#include "sapwood/kernels/bf16.h"
#include "sapwood/kernels/pack.h"
#include "support.h"

namespace sapwood::kernels::test {

struct Types {
  DType in, out;
};
constexpr Types kF32{DType::f32, DType::f32};
constexpr Types kTypePairs[] = {kF32,
                                {DType::bf16, DType::bf16},
                                {DType::int8, DType::int8},
                                {DType::f32, DType::bf16},
                                {DType::f32, DType::int8},
                                {DType::bf16, DType::int8}};

inline std::string name(Types types) {
  const char* const names[] = {"f32", "bf16", "int8"};
  return std::string(names[static_cast<int>(types.in)]) + " " + names[static_cast<int>(types.out)];
}

inline double element(const std::byte* row, std::int64_t i, DType type, float scale) {
  switch (type) {
    case DType::f32:
      return reinterpret_cast<const float*>(row)[i];
    case DType::bf16:
      return float_of(reinterpret_cast<const Bf16*>(row)[i]);
    case DType::int8:
      return double{scale} * reinterpret_cast<const std::int8_t*>(row)[i];
  }
  return 0;
}

// A layer with random weights whose decisions go either way, and rows for it.
struct Layer {
  Types types;
  int rows, cols, trees, depth;
  std::int64_t x_stride, node_bytes, node_count;
  Floats x, residual;
  GuardedBytes narrow_x;  // x in the type of the decisions
  std::vector<RowScale> x_scales;
  GuardedBytes nodes;
  std::vector<FffNode> params;

  Layer(Types in_out, int row_count, int width, int tree_count, int tree_depth, int gap = 0)
      : types(in_out),
        rows(row_count),
        cols(width),
        trees(tree_count),
        depth(tree_depth),
        x_stride(round_up(width + gap, elements_per_word(in_out.in))),
        node_bytes(fff_node_bytes(width, in_out.in, in_out.out)),
        node_count(tree_count * fff_nodes(tree_depth)),
        x(static_cast<std::size_t>(row_count) * width),
        residual(x.size()),
        narrow_x(((row_count - 1) * x_stride + round_up(width, elements_per_word(in_out.in))) * 4 /
                 elements_per_word(in_out.in)),
        x_scales(row_count),
        nodes(packed_fff_bytes(tree_count, tree_depth, width, in_out.in, in_out.out)),
        params(node_count) {
    Random random(row_count * 31 + width * 7 + tree_count * 3 + tree_depth);
    random.fill({x.data(), x.size()});
    Floats in(static_cast<std::size_t>(node_count) * width), out(in.size()), bias(node_count);
    random.fill({in.data(), in.size()}, 1.0f / std::sqrt(static_cast<float>(width)));
    random.fill({out.data(), out.size()});
    random.fill({bias.data(), bias.size()}, 0.3f);
    random.fill({residual.data(), residual.size()});
    pack_fff({in.data(), out.data(), bias.data(), trees, depth, cols, types.in, types.out},
             nodes.data(), params.data());
    narrow();
  }

  // x in the type of the decisions.
  void narrow() {
    for (int i = 0; i < rows; ++i) {
      const float* from = x.data() + std::int64_t{i} * cols;
      std::byte* to = narrow_x.data() + i * x_stride * 4 / elements_per_word(types.in);
      const KernelTable& scalar = *find_table(Isa::scalar);
      switch (types.in) {
        case DType::f32:
          std::memcpy(to, from, cols * sizeof(float));
          break;
        case DType::bf16:
          scalar.to_bf16({from, reinterpret_cast<Bf16*>(to), x_stride, 1, cols});
          break;
        case DType::int8:
          scalar.quantize(
              {from, reinterpret_cast<std::uint8_t*>(to), x_stride, &x_scales[i], 1, cols});
          break;
      }
    }
  }

  std::byte* in_row(std::int64_t node) const { return nodes.data() + node * node_bytes; }
  std::byte* out_row(std::int64_t node) const {
    return in_row(node) + fff_row_bytes(cols, types.in);
  }

  FffArgs args(int row, int count, float* y, std::int64_t y_stride) const {
    return {.x = narrow_x.data() + row * x_stride * 4 / elements_per_word(types.in),
            .x_stride = x_stride,
            .x_scales = types.in == DType::int8 ? x_scales.data() + row : nullptr,
            .residual = nullptr,
            .residual_stride = 0,
            .nodes = nodes.data(),
            .params = params.data(),
            .y = y,
            .y_stride = y_stride,
            .scratch = nullptr,
            .rows = count,
            .cols = cols,
            .trees = trees,
            .depth = depth,
            .decision_type = types.in,
            .out_type = types.out};
  }

  void run(const KernelTable& table, FffArgs a) const {
    GuardedBytes scratch(fff_scratch(a.rows, depth));
    a.scratch = scratch.data();
    (types.in == DType::f32    ? table.fff_f32
     : types.in == DType::bf16 ? table.fff_bf16
                               : table.fff_int8)(a);
    CHECK(scratch.intact());
  }

  // With the residual.
  void run(const KernelTable& table, int row, int count, float* y, std::int64_t y_stride) const {
    FffArgs a = args(row, count, y, y_stride);
    a.residual = residual.data() + std::int64_t{row} * cols;
    a.residual_stride = cols;
    run(table, a);
  }

  // In double precision, of the numbers that the types hold.
  oracle::FffResult expected() const {
    const std::size_t size = static_cast<std::size_t>(node_count) * cols;
    std::vector<double> xs, in(size), out(size), bias(node_count);
    for (int i = 0; i < rows; ++i) {
      const std::byte* row = narrow_x.data() + i * x_stride * 4 / elements_per_word(types.in);
      for (int j = 0; j < cols; ++j) {
        xs.push_back(
            types.in == DType::int8
                ? double{x_scales[i].scale} *
                      (static_cast<int>(static_cast<std::uint8_t>(row[j])) - x_scales[i].zero)
                : element(row, j, types.in, 1.0f));
      }
    }
    for (std::int64_t node = 0; node < node_count; ++node) {
      const FffNode& p = params[node];
      for (int j = 0; j < cols; ++j) {
        in[node * cols + j] = element(in_row(node), j, types.in, p.in_scale);
        out[node * cols + j] = element(out_row(node), j, types.out, p.out_scale);
      }
      bias[node] = p.bias;
    }
    auto result =
        oracle::fff(xs.data(), in.data(), bias.data(), out.data(), rows, cols, trees, depth);
    for (std::size_t i = 0; i < result.y.size(); ++i) result.y[i] += residual[i];
    return result;
  }
};

// The visits of row i in the trees that are computed together from `tree` on: their nodes, and where
// the first stands among all.
struct Visits {
  std::vector<std::int64_t> nodes;
  std::size_t first;
};
inline Visits visits_of(const Layer& layer, const oracle::FffResult& result, int i, int tree) {
  const int end = std::min(layer.trees, tree + fff_trees_together(layer.depth));
  const std::size_t path = static_cast<std::size_t>(i) * layer.trees + tree;
  Visits visits{{}, path * (layer.depth + 1)};
  for (int t = tree; t < end; ++t) {
    for (const std::int64_t node : result.path[path + t - tree]) {
      visits.nodes.push_back(t * fff_nodes(layer.depth) + node);
    }
  }
  return visits;
}

// What rounding the weights of int8 output rows to integers may change in element (i, j): half a unit
// of each.
inline std::vector<double> rounding_of_weights(const Layer& layer,
                                               const oracle::FffResult& result) {
  std::vector<double> bounds(result.y.size());
  if (layer.types.out != DType::int8) return bounds;
  for (int i = 0; i < layer.rows; ++i) {
    for (int tree = 0; tree < layer.trees; tree += fff_trees_together(layer.depth)) {
      const Visits visits = visits_of(layer, result, i, tree);
      double largest = 0;
      for (std::size_t v = 0; v < visits.nodes.size(); ++v) {
        largest = std::max(largest, std::abs(result.gelu[visits.first + v] *
                                             layer.params[visits.nodes[v]].out_scale));
      }
      for (const std::int64_t node : visits.nodes) {
        for (int j = 0; j < layer.cols; ++j) {
          bounds[static_cast<std::size_t>(i) * layer.cols + j] +=
              0.501 * largest / 255 * std::abs(element(layer.out_row(node), j, DType::int8, 1.0f));
        }
      }
    }
  }
  return bounds;
}

inline void check(const KernelTable& table, const Layer& layer, int y_gap) {
  const auto expected = layer.expected();
  const auto rounding = rounding_of_weights(layer, expected);
  INFO(table.name << " " << name(layer.types) << " rows " << layer.rows << " cols " << layer.cols
                  << " trees " << layer.trees << " depth " << layer.depth << " closest decision "
                  << expected.closest_decision);
  REQUIRE(expected.closest_decision >
          1e-6);  // seeds are chosen so: else the comparison means nothing
  const std::int64_t y_stride = layer.cols + y_gap;
  Floats y((layer.rows - 1) * y_stride + layer.cols);
  fill_canary({y.data(), y.size()});
  layer.run(table, 0, layer.rows, y.data(), y_stride);
  double worst = 0;
  bool canaries = y.intact();
  for (int i = 0; i < layer.rows; ++i) {
    for (int j = 0; j < layer.cols; ++j) {
      const std::size_t at = static_cast<std::size_t>(i) * layer.cols + j;
      const double error = std::abs(y[i * y_stride + j] - expected.y[at]) - rounding[at];
      if (!(error <= worst)) worst = error;
    }
    for (int gap = 0; gap < y_gap && i + 1 < layer.rows; ++gap) {
      canaries = canaries && is_canary(y[i * y_stride + layer.cols + gap]);
    }
  }
  // z and y are of size 1 a term: 2^-24 for each of the terms of a dot product (random signs: their
  // square root) and of the path, whose chain is rounded at the size that y has by then.
  const double terms = layer.trees * (layer.depth + 1) + 1;
  CHECK(worst < 6e-8 * (8 * terms + 2 * std::sqrt(layer.cols) * std::sqrt(terms)));
  CHECK(canaries);
}

// Sections for every table and combination of types.
template <typename Test>
inline void for_each_table(const Test& test) {
  for (const KernelTable* table : tables()) {
    for (const Types types : kTypePairs) {
      DYNAMIC_SECTION(table->name << " " << name(types)) { test(*table, types); }
    }
  }
}

}  // namespace sapwood::kernels::test
