// CMM: against the oracle, real conditional execution, batch invariance, decisions at zero; in
// every combination of types.
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <vector>

#include "catch.h"
#include "oracle.h"
#include "sapwood/kernels/bf16.h"
#include "sapwood/kernels/pack.h"
#include "support.h"

namespace sapwood::kernels::test {
namespace {

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

std::string name(Types types) {
  const char* const names[] = {"f32", "bf16", "int8"};
  return std::string(names[static_cast<int>(types.in)]) + " " + names[static_cast<int>(types.out)];
}

double element(const std::byte* row, std::int64_t i, DType type, float scale) {
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

void check(const KernelTable& table, const Layer& layer, int y_gap) {
  const auto expected = layer.expected();
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
      const double error =
          std::abs(y[i * y_stride + j] - expected.y[static_cast<std::size_t>(i) * layer.cols + j]);
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
void for_each_table(const Test& test) {
  for (const KernelTable* table : tables()) {
    for (const Types types : kTypePairs) {
      DYNAMIC_SECTION(table->name << " " << name(types)) { test(*table, types); }
    }
  }
}

// The nodes that no row visits.
std::vector<std::int64_t> unvisited(const Layer& layer, const oracle::FffResult& expected) {
  std::set<std::int64_t> visited;
  for (std::size_t i = 0; i < expected.path.size(); ++i) {
    const std::int64_t first = static_cast<std::int64_t>(i) % layer.trees * fff_nodes(layer.depth);
    for (const std::int64_t node : expected.path[i]) visited.insert(first + node);
  }
  std::vector<std::int64_t> others;
  for (std::int64_t node = 0; node < layer.node_count; ++node) {
    if (!visited.contains(node)) others.push_back(node);
  }
  return others;
}

}  // namespace

TEST_CASE("fff: widths and depths and trees and row counts agree with the oracle") {
  for_each_table([](const KernelTable& table, Types types) {
    for (const int cols : {1, 3, 8, 15, 16, 17, 48, 63, 64, 65, 100, 127, 129, 200, 257}) {
      check(table, Layer(types, 3, cols, 1, 4, cols % 3), cols % 4);
    }
    for (int depth = 0; depth <= 12; ++depth) {
      for (const int rows : {1, 2, 40}) check(table, Layer(types, rows, 32, 1, depth), 0);
    }
    for (const int trees : {2, 3, 33, 70}) {
      for (const int rows : {1, 2, 5, 40}) check(table, Layer(types, rows, 24, trees, 3), 1);
    }
    for (const int rows : {1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 32, 33, 63, 64, 65, 100, 300}) {
      check(table, Layer(types, rows, 48, 1, 8, 1), 2);
    }
    check(table, Layer(types, 37, 768, 1, 7), 0);
    check(table, Layer(types, 90, 384, 2, 5), 0);
    check(table, Layer(types, 33, 400, 1, 6), 3);  // whole tiles of the output, then a part
    for (const int trees : {8, 16}) check(table, Layer(types, 9, 40, trees, 3), 0);
    check(table, Layer(types, 600, 200, 1, 9), 0);  // levels fetched before they are walked
  });
}

TEST_CASE("fff: a row's result does not depend on the other rows") {
  for_each_table([](const KernelTable& table, Types types) {
    for (const int trees : {1, 3}) {
      const Layer layer(types, 150, trees == 1 ? 423 : 70, trees,
                        9);  // 423: whole tiles and a part
      const std::size_t cols = layer.cols;
      Floats together(layer.rows * cols);
      layer.run(table, 0, layer.rows, together.data(), layer.cols);
      for (const int count : {1, 2, 3, 5, 8, 16, 31, 32, 33, 64, 100}) {
        for (int row = 0; row + count <= layer.rows; row += count) {
          Floats part(count * cols);
          layer.run(table, row, count, part.data(), layer.cols);
          INFO("trees " << trees << " rows " << count << " from " << row);
          CHECK(first_difference(part.data(), together.data() + row * cols, count * cols) == -1);
        }
      }
    }
  });
}

TEST_CASE("fff: an output larger than the caches is the same") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      constexpr int kRows = 8200, kCols = 512, kPart = 1025;
      for (const int trees : {1, 2}) {
        const Layer layer(kF32, kRows, kCols, trees, 1);
        Floats together(std::size_t{kRows} * kCols), part(std::size_t{kPart} * kCols);
        layer.run(*table, 0, kRows, together.data(), kCols);
        for (int row = 0; row < kRows; row += kPart) {
          layer.run(*table, row, kPart, part.data(), kCols);
          const float* same = together.data() + std::size_t(row) * kCols;
          CHECK(first_difference(part.data(), same, part.size()) == -1);
        }
      }
    }
  }
}

TEST_CASE("fff: no residual is a residual of zeros, and the residual may stand in y") {
  for_each_table([](const KernelTable& table, Types types) {
    for (const int rows : {1, 7, 40}) {
      for (const int trees : {1, 3}) {
        Layer layer(types, rows, 37, trees, 5);
        const std::size_t size = static_cast<std::size_t>(rows) * layer.cols;
        Floats expected(size), y(size);
        layer.run(table, 0, rows, expected.data(), layer.cols);
        std::copy(layer.residual.begin(), layer.residual.end(), y.begin());
        FffArgs in_place = layer.args(0, rows, y.data(), layer.cols);
        in_place.residual = y.data();
        in_place.residual_stride = layer.cols;
        layer.run(table, in_place);
        CHECK(first_difference(y.data(), expected.data(), size) == -1);

        std::fill(layer.residual.begin(), layer.residual.end(), 0.0f);
        layer.run(table, 0, rows, expected.data(), layer.cols);
        layer.run(table, layer.args(0, rows, y.data(), layer.cols));
        CHECK(first_difference(y.data(), expected.data(), size) == -1);
      }
    }
  });
}

TEST_CASE("fff: each element is one chain from the residual through the trees") {
  // Decisions are biases alone (x = 0), large enough for gelu(z) = z, so the chain is known.
  for_each_table([](const KernelTable& table, Types types) {
    for (const int rows : {1, 5, 40}) {
      Layer layer(types, rows, 50, 3, 4);
      std::fill(layer.x.begin(), layer.x.end(), 0.0f);
      layer.narrow();
      Random random(rows);
      for (FffNode& node : layer.params) node.bias = 10.0f + 0.01f * random.below(1000);
      Floats y(static_cast<std::size_t>(rows) * layer.cols);
      layer.run(table, 0, rows, y.data(), layer.cols);
      bool right = true;
      for (std::size_t i = 0; i < y.size(); ++i) {
        float sum = layer.residual[i];
        for (int tree = 0; tree < layer.trees; ++tree) {
          for (std::int64_t node = 0; node < fff_nodes(layer.depth); node = 2 * node + 2) {
            const std::int64_t at = tree * fff_nodes(layer.depth) + node;
            const float w = static_cast<float>(element(layer.out_row(at),
                                                       static_cast<std::int64_t>(i) % layer.cols,
                                                       layer.types.out, 1.0f));
            const float weight = layer.params[at].bias * layer.params[at].out_scale;
            sum = table.isa == Isa::scalar ? sum + weight * w : std::fma(weight, w, sum);
          }
        }
        right = right && y[i] == sum;
      }
      CHECK(right);
    }
  });
}

TEST_CASE("fff: int8 decisions are the same numbers on every instruction set") {
  // A bias that is exactly minus the scaled product makes z zero, which goes left; the next larger
  // one goes right.
  constexpr int kCols = 203;
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const int rows : {1, 3, 40}) {
        const Types types{DType::int8, DType::int8};
        Layer layer(types, rows, kCols, 1, 1);
        for (int row = 0; row < rows; ++row) {
          const auto* q =
              reinterpret_cast<const std::uint8_t*>(layer.narrow_x.data()) + row * layer.x_stride;
          const auto* w = reinterpret_cast<const std::int8_t*>(layer.in_row(0));
          std::int32_t sum = 0;
          for (int j = 0; j < kCols; ++j) sum += (q[j] - layer.x_scales[row].zero) * w[j];
          const float scaled =
              static_cast<float>(sum) * (layer.x_scales[row].scale * layer.params[0].in_scale);
          // The children's outputs say which was taken: their decisions are huge, their rows ones.
          std::memset(layer.out_row(0), 0, fff_row_bytes(kCols, types.out));
          for (const int child : {1, 2}) {
            std::memset(layer.out_row(child), 1, kCols);
            layer.params[child].bias = 1e6f * static_cast<float>(child);
            layer.params[child].out_scale = 1.0f;
          }
          const auto taken = [&](float bias) {
            layer.params[0].bias = bias;
            Floats y(static_cast<std::size_t>(rows) * kCols);
            layer.run(*table, layer.args(0, rows, y.data(), kCols));
            return y[static_cast<std::size_t>(row) * kCols] > 1.5e6f ? 2 : 1;
          };
          CHECK(taken(-scaled) == 1);
          CHECK(taken(std::nextafter(-scaled, 1e9f)) == 2);
        }
      }
    }
  }
}

TEST_CASE("fff: nodes off the path are not read: NaN there changes nothing") {
  for_each_table([](const KernelTable& table, Types types) {
    for (const int rows : {1, 3, 40}) {
      for (const int trees : {1, 2}) {
        Layer layer(types, rows, 48, trees, 8);
        const auto expected = layer.expected();
        REQUIRE(expected.closest_decision > 1e-6);
        Floats before(static_cast<std::size_t>(rows) * layer.cols), after(before.size());
        layer.run(table, 0, rows, before.data(), layer.cols);
        const auto others = unvisited(layer, expected);
        REQUIRE(others.size() > 100);
        for (const std::int64_t node : others) {
          // NaN in every type that has one.
          std::memset(layer.in_row(node), 0xff, layer.node_bytes);
          layer.params[node] = {kNan, kNan, kNan, kNan};
        }
        layer.run(table, 0, rows, after.data(), layer.cols);
        CHECK(first_difference(before.data(), after.data(), before.size()) == -1);
      }
    }
  });
}

// Columns of which a node of these types fills a page.
constexpr std::size_t kPage = 4096;
int page_cols(Types types) {
  return static_cast<int>(kPage * elements_per_word(types.in) * elements_per_word(types.out) / 4 /
                          (elements_per_word(types.in) + elements_per_word(types.out)));
}

TEST_CASE("fff: pages off the path are not touched: reading them would end the test") {
  constexpr int kDepth = 7;
  for_each_table([](const KernelTable& table, Types types) {
    if (types.in != types.out) return;  // a page each is possible where both rows are alike
    for (const int rows : {1, 2, 40}) {
      Layer layer(types, rows, page_cols(types), 1, kDepth);
      REQUIRE(layer.node_bytes == kPage);
      REQUIRE(reinterpret_cast<std::uintptr_t>(layer.nodes.data()) % kPage == 0);
      const auto expected = layer.expected();
      REQUIRE(expected.closest_decision > 1e-6);
      Floats before(static_cast<std::size_t>(rows) * layer.cols), after(before.size());
      layer.run(table, 0, rows, before.data(), layer.cols);
      const auto others = unvisited(layer, expected);
      REQUIRE(others.size() > 50);
      for (const std::int64_t node : others) {
        REQUIRE(mprotect(layer.in_row(node), kPage, PROT_NONE) == 0);
      }
      layer.run(table, 0, rows, after.data(), layer.cols);
      CHECK(first_difference(before.data(), after.data(), before.size()) == -1);
    }
  });
}

TEST_CASE("fff: NaN goes left: the pages of the right half are not touched") {
  constexpr int kDepth = 3;
  for_each_table([](const KernelTable& table, Types types) {
    if (types.in != types.out) return;
    for (const int rows : {1, 2, 40}) {
      Layer layer(types, rows, page_cols(types), 1, kDepth);
      layer.params[0].bias = kNan;
      for (const int node : {2, 5, 6, 11, 12, 13, 14}) {
        REQUIRE(mprotect(layer.in_row(node), kPage, PROT_NONE) == 0);
      }
      Floats y(static_cast<std::size_t>(rows) * layer.cols);
      layer.run(table, 0, rows, y.data(), layer.cols);
      CHECK(std::isnan(y[0]));
    }
  });
}

TEST_CASE("fff: zero goes left and the smallest positive number goes right") {
  constexpr int kCols = 16, kDepth = 1;
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const int rows : {1, 3, 40}) {
        // x = 0, so that z of the root is its bias; children and their output rows say which was
        // taken.
        Layer layer(kF32, rows, kCols, 1, kDepth);
        std::fill(layer.x.begin(), layer.x.end(), 0.0f);
        layer.narrow();
        const auto out = [&](int node) { return reinterpret_cast<float*>(layer.out_row(node)); };
        for (int node = 0; node < 3; ++node) std::fill_n(out(node), kCols, float(node));
        layer.params[1].bias = layer.params[2].bias = 20.0f;  // gelu(20) = 20
        const auto taken = [&](float z) {
          layer.params[0].bias = z;
          Floats y(static_cast<std::size_t>(rows) * kCols);
          layer.run(*table, layer.args(0, rows, y.data(), kCols));
          return y[y.size() - 1];
        };
        CHECK(taken(0.0f) == 20.0f);
        CHECK(taken(-0.0f) == 20.0f);
        CHECK(taken(-1e-45f) == 20.0f);
        CHECK(taken(1e-45f) == 40.0f);
        CHECK(taken(1.0f) == 40.0f);
      }
    }
  }
}

}  // namespace sapwood::kernels::test
