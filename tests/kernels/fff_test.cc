// CMM against the oracle, and what its results do not depend on.
#include <array>

#include "fff_layer.h"

namespace sapwood::kernels::test {

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
    for (const int trees : {4, 7, 8, 16}) check(table, Layer(types, 9, 40, trees, 3), 0);
    check(table, Layer(types, 600, 200, 1, 9), 0);  // levels fetched before they are walked
  });
}

TEST_CASE("fff: a row's result does not depend on the other rows") {
  for_each_table([](const KernelTable& table, Types types) {
    for (const int trees : {1, 3}) {
      // 423: whole tiles and a part.
      const Layer layer(types, 150, trees == 1 ? 423 : 70, trees, 9);
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

namespace {

// The visits of a layer where each decision goes right, from the root down, tree by tree.
std::vector<std::int64_t> rightmost(const Layer& layer) {
  std::vector<std::int64_t> nodes;
  for (int tree = 0; tree < layer.trees; ++tree) {
    for (std::int64_t node = 0; node < fff_nodes(layer.depth); node = 2 * node + 2) {
      nodes.push_back(tree * fff_nodes(layer.depth) + node);
    }
  }
  return nodes;
}

// Column j of their sum, from `sum` on: a chain of products, or integers.
float chained(const Layer& layer, const std::vector<std::int64_t>& nodes, std::int64_t j,
              bool fused, float sum) {
  for (const std::int64_t node : nodes) {
    const auto w = static_cast<float>(element(layer.out_row(node), j, layer.types.out, 1.0f));
    const float weight = layer.params[node].bias * layer.params[node].out_scale;
    sum = fused ? std::fma(weight, w, sum) : sum + weight * w;
  }
  return sum;
}
float in_integers(const Layer& layer, const std::vector<std::int64_t>& nodes, std::int64_t j,
                  float sum) {
  float largest = 0.0f;
  const auto weight = [&](std::int64_t node) {
    return layer.params[node].bias * layer.params[node].out_scale;
  };
  for (const std::int64_t node : nodes) largest = std::max(largest, weight(node));
  int integers = 0;
  for (const std::int64_t node : nodes) {
    integers += static_cast<int>(std::nearbyint(weight(node) * (255.0f / largest))) *
                static_cast<int>(element(layer.out_row(node), j, DType::int8, 1.0f));
  }
  return std::fma(static_cast<float>(integers), largest / 255.0f, sum);
}

}  // namespace

TEST_CASE("fff: each element is one chain from the residual through the trees, or one integer") {
  // Decisions are biases alone (x = 0), large enough for gelu(z) = z, so the sum is known.
  for_each_table([](const KernelTable& table, Types types) {
    for (const int rows : {1, 5, 40}) {
      Layer layer(types, rows, 50, 3, 4);
      std::fill(layer.x.begin(), layer.x.end(), 0.0f);
      layer.narrow();
      Random random(rows);
      for (FffNode& node : layer.params) node.bias = 10.0f + 0.01f * random.below(1000);
      Floats y(static_cast<std::size_t>(rows) * layer.cols);
      layer.run(table, 0, rows, y.data(), layer.cols);
      const auto nodes = rightmost(layer);
      bool right = true;
      for (std::size_t i = 0; i < y.size(); ++i) {
        const std::int64_t j = static_cast<std::int64_t>(i) % layer.cols;
        const float expected =
            types.out == DType::int8
                ? in_integers(layer, nodes, j, layer.residual[i])
                : chained(layer, nodes, j, table.isa != Isa::scalar, layer.residual[i]);
        right = right && y[i] == expected;
      }
      CHECK(right);
    }
  });
}

TEST_CASE("fff: int8 decisions and output rows give the same bits on every instruction set") {
  constexpr Types kInt8{DType::int8, DType::int8};
  for (const auto& [rows, cols, trees, depth] :
       {std::array{40, 384, 8, 7}, std::array{9, 129, 6, 6}, std::array{3, 64, 16, 7},
        std::array{5, 70, 35, 4}, std::array{2, 40, 3, 11}, std::array{300, 768, 1, 9}}) {
    const Layer layer(kInt8, rows, cols, trees, depth);
    Floats expected(layer.x.size()), y(layer.x.size());
    layer.run(*find_table(Isa::scalar), 0, rows, expected.data(), cols);
    for (const KernelTable* table : tables()) {
      INFO(table->name << ", " << rows << " rows, " << trees << " trees of depth " << depth);
      layer.run(*table, 0, rows, y.data(), cols);
      CHECK(first_difference(y.data(), expected.data(), y.size()) == -1);
    }
  }
}

TEST_CASE(
    "fff: weights of int8 output rows that are zero add nothing, one that is not finite NaN") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const int trees : {1, 3}) {
        Layer layer({DType::int8, DType::int8}, 2, 70, trees, 2);
        Floats y(layer.x.size());
        for (FffNode& node : layer.params) node.out_scale = 0.0f;
        layer.run(*table, 0, 2, y.data(), layer.cols);
        CHECK(first_difference(y.data(), layer.residual.data(), y.size()) == -1);
        for (const float bad : {kNan, std::numeric_limits<float>::infinity()}) {
          layer.params[0].out_scale = bad;
          layer.run(*table, 0, 2, y.data(), layer.cols);
          CHECK(std::all_of(y.begin(), y.end(), [](float value) { return std::isnan(value); }));
        }
      }
    }
  }
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

}  // namespace sapwood::kernels::test
