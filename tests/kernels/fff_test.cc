// CMM against the oracle, and what its results do not depend on.
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

}  // namespace sapwood::kernels::test
