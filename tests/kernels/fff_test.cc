// CMM: against the oracle, real conditional execution, batch invariance, decisions at zero.
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "catch.h"
#include "oracle.h"
#include "sapwood/kernels/pack.h"
#include "support.h"

namespace sapwood::kernels::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// A layer with random weights whose decisions go either way, and rows for it.
struct Layer {
  int rows, cols, trees, depth;
  std::int64_t x_stride;
  Floats x, in, out, bias, nodes;

  Layer(int row_count, int width, int tree_count, int tree_depth, int gap = 0)
      : rows(row_count),
        cols(width),
        trees(tree_count),
        depth(tree_depth),
        x_stride(width + gap),
        x((row_count - 1) * x_stride + width),
        in(static_cast<std::size_t>(tree_count * fff_nodes(tree_depth)) * width),
        out(in.size()),
        bias(static_cast<std::size_t>(tree_count * fff_nodes(tree_depth))),
        nodes(packed_fff_size(tree_count, tree_depth, width)) {
    Random random(row_count * 31 + width * 7 + tree_count * 3 + tree_depth);
    random.fill({x.data(), x.size()});
    random.fill({in.data(), in.size()}, 1.0f / std::sqrt(static_cast<float>(width)));
    random.fill({out.data(), out.size()});
    random.fill({bias.data(), bias.size()}, 0.3f);
    pack_fff(in.data(), out.data(), trees, depth, cols, nodes.data());
  }

  void run(const KernelTable& table, int row, int count, float* y, std::int64_t y_stride) const {
    GuardedBytes scratch(fff_scratch(count, depth));
    table.fff({.x = x.data() + row * x_stride,
               .x_stride = x_stride,
               .nodes = nodes.data(),
               .bias = bias.data(),
               .y = y,
               .y_stride = y_stride,
               .scratch = scratch.data(),
               .rows = count,
               .cols = cols,
               .trees = trees,
               .depth = depth});
    CHECK(scratch.intact());
  }

  oracle::FffResult expected() const {
    return oracle::fff(x.data(), x_stride, in.data(), bias.data(), out.data(), rows, cols, trees,
                       depth);
  }
};

void check(const KernelTable& table, const Layer& layer, int y_gap) {
  const auto expected = layer.expected();
  INFO(table.name << " rows " << layer.rows << " cols " << layer.cols << " trees " << layer.trees
                  << " depth " << layer.depth << " closest decision " << expected.closest_decision);
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
  // square root) and of the path.
  const double terms = layer.trees * (layer.depth + 1);
  CHECK(worst < 6e-8 * (8 * terms + 2 * std::sqrt(layer.cols) * std::sqrt(terms)));
  CHECK(canaries);
}

}  // namespace

TEST_CASE("fff: widths and depths and trees and row counts agree with the oracle") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const int cols : {1, 3, 8, 15, 16, 17, 48, 63, 64, 65, 100, 127, 129, 200}) {
        check(*table, Layer(3, cols, 1, 4, cols % 3), cols % 4);
      }
      for (int depth = 0; depth <= 12; ++depth) {
        for (const int rows : {1, 2, 40}) check(*table, Layer(rows, 32, 1, depth), 0);
      }
      for (const int trees : {2, 3, 33, 70}) {
        for (const int rows : {1, 2, 5, 40}) check(*table, Layer(rows, 24, trees, 3), 1);
      }
      for (const int rows : {1, 2, 3, 4, 7, 8, 31, 32, 33, 63, 64, 65, 100, 300}) {
        check(*table, Layer(rows, 48, 1, 8, 1), 2);
      }
      check(*table, Layer(37, 768, 1, 7), 0);
    }
  }
}

TEST_CASE("fff: a row's result does not depend on the other rows") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const int trees : {1, 3}) {
        const Layer layer(150, 70, trees, 9);
        const std::size_t cols = layer.cols;
        Floats together(layer.rows * cols);
        layer.run(*table, 0, layer.rows, together.data(), layer.cols);
        for (const int count : {1, 2, 3, 5, 8, 16, 31, 32, 33, 64, 100}) {
          for (int row = 0; row + count <= layer.rows; row += count) {
            Floats part(count * cols);
            layer.run(*table, row, count, part.data(), layer.cols);
            INFO(table->name << " trees " << trees << " rows " << count << " from " << row);
            CHECK(first_difference(part.data(), together.data() + row * cols, count * cols) == -1);
          }
        }
      }
    }
  }
}

TEST_CASE("fff: nodes off the path are not read: NaN there changes nothing") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const int rows : {1, 3, 40}) {
        for (const int trees : {1, 2}) {
          Layer layer(rows, 48, trees, 8);
          const auto expected = layer.expected();
          REQUIRE(expected.closest_decision > 1e-6);
          Floats before(static_cast<std::size_t>(rows) * layer.cols), after(before.size());
          layer.run(*table, 0, rows, before.data(), layer.cols);
          std::set<std::int64_t> visited;
          for (std::size_t i = 0; i < expected.path.size(); ++i) {
            const std::int64_t first =
                static_cast<std::int64_t>(i) % trees * fff_nodes(layer.depth);
            for (const std::int64_t node : expected.path[i]) visited.insert(first + node);
          }
          const std::int64_t size = 2 * round_up(layer.cols, kPanelWidth);
          int poisoned = 0;
          for (std::int64_t node = 0; node < trees * fff_nodes(layer.depth); ++node) {
            if (visited.contains(node)) continue;
            std::fill_n(layer.nodes.data() + node * size, size, kNan);
            layer.bias[node] = kNan;
            ++poisoned;
          }
          REQUIRE(poisoned > 100);
          layer.run(*table, 0, rows, after.data(), layer.cols);
          CHECK(first_difference(before.data(), after.data(), before.size()) == -1);
        }
      }
    }
  }
}

TEST_CASE("fff: pages off the path are not touched: reading them would end the test") {
  // Nodes of 512 columns fill a page each: the pages of all nodes off the path are made
  // inaccessible.
  constexpr int kCols = 512, kDepth = 7;
  constexpr std::size_t kPage = 4096;
  static_assert(2 * kCols * sizeof(float) == kPage);
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const int rows : {1, 2, 40}) {
        Layer layer(rows, kCols, 1, kDepth);
        REQUIRE(reinterpret_cast<std::uintptr_t>(layer.nodes.data()) % kPage == 0);
        const auto expected = layer.expected();
        REQUIRE(expected.closest_decision > 1e-6);
        std::set<std::int64_t> visited;
        for (const auto& path : expected.path) visited.insert(path.begin(), path.end());
        Floats before(static_cast<std::size_t>(rows) * kCols), after(before.size());
        layer.run(*table, 0, rows, before.data(), kCols);
        int closed = 0;
        for (std::int64_t node = 0; node < fff_nodes(kDepth); ++node) {
          if (visited.contains(node)) continue;
          REQUIRE(mprotect(layer.nodes.data() + node * 2 * kCols, kPage, PROT_NONE) == 0);
          ++closed;
        }
        REQUIRE(closed > 50);
        layer.run(*table, 0, rows, after.data(), kCols);
        CHECK(first_difference(before.data(), after.data(), before.size()) == -1);
      }
    }
  }
}

TEST_CASE("fff: NaN goes left: the pages of the right half are not touched") {
  constexpr int kCols = 512, kDepth = 3;
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const int rows : {1, 2, 40}) {
        Layer layer(rows, kCols, 1, kDepth);
        layer.bias[0] = kNan;
        for (const int node : {2, 5, 6, 11, 12, 13, 14}) {
          REQUIRE(mprotect(layer.nodes.data() + node * 2 * kCols, 4096, PROT_NONE) == 0);
        }
        Floats y(static_cast<std::size_t>(rows) * kCols);
        layer.run(*table, 0, rows, y.data(), kCols);
        CHECK(std::isnan(y[0]));
      }
    }
  }
}

TEST_CASE("fff: zero goes left and the smallest positive number goes right") {
  constexpr int kCols = 16, kDepth = 1;
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const int rows : {1, 3, 40}) {
        // x = 0, so that z of the root is its bias; children and their output rows say which was
        // taken.
        Layer layer(rows, kCols, 1, kDepth);
        std::fill(layer.x.begin(), layer.x.end(), 0.0f);
        const std::int64_t ld = kCols;
        std::fill_n(layer.nodes.data() + ld, kCols, 0.0f);           // the root adds nothing
        std::fill_n(layer.nodes.data() + 2 * ld + ld, kCols, 1.0f);  // left
        std::fill_n(layer.nodes.data() + 4 * ld + ld, kCols, 2.0f);  // right
        layer.bias[1] = layer.bias[2] = 20.0f;                       // gelu(20) = 20
        const auto taken = [&](float z) {
          layer.bias[0] = z;
          Floats y(static_cast<std::size_t>(rows) * kCols);
          layer.run(*table, 0, rows, y.data(), kCols);
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
