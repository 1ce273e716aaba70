// CMM is conditional: what stands off the path is not read; and which way decisions at the border go.
#include <sys/mman.h>

#include <set>

#include "fff_layer.h"

namespace sapwood::kernels::test {
namespace {

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

TEST_CASE("fff: of several trees only levels with no more nodes than rows are read whole") {
  constexpr int kDepth = 7, kRows = 20, kReadNodes = 31;
  for_each_table([](const KernelTable& table, Types types) {
    if (types.in != types.out) return;
    Layer layer(types, kRows, page_cols(types), 2, kDepth);
    REQUIRE(layer.node_bytes == kPage);
    const auto expected = layer.expected();
    REQUIRE(expected.closest_decision > 1e-6);
    Floats before(static_cast<std::size_t>(kRows) * layer.cols), after(before.size());
    layer.run(table, 0, kRows, before.data(), layer.cols);
    int closed = 0;
    for (const std::int64_t node : unvisited(layer, expected)) {
      if (node % fff_nodes(kDepth) < kReadNodes) continue;
      REQUIRE(mprotect(layer.in_row(node), kPage, PROT_NONE) == 0);
      ++closed;
    }
    REQUIRE(closed > 100);
    layer.run(table, 0, kRows, after.data(), layer.cols);
    CHECK(first_difference(before.data(), after.data(), before.size()) == -1);
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
