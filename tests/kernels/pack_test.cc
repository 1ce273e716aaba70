#include "sapwood/kernels/pack.h"

#include "catch.h"
#include "support.h"

namespace sapwood::kernels::test {

TEST_CASE("pack: linear puts w of j and k into panel j div 16 and line k and lane j mod 16") {
  for (const int n : {1, 15, 16, 17, 40}) {
    for (const int k : {1, 63, 64, 65, 200}) {
      Floats w(static_cast<std::size_t>(n) * k), panels(packed_linear_size(n, k));
      Random(n * 1000 + k).fill({w.data(), w.size()});
      fill_canary({panels.data(), panels.size()});
      pack_linear(w.data(), n, k, panels.data());
      bool right = panels.intact();
      for (std::int64_t j = 0; j < round_up(n, kPanelWidth); ++j) {
        for (std::int64_t i = 0; i < k; ++i) {
          const float found = panels[(j / 16 * k + i) * 16 + j % 16];
          right = right && found == (j < n ? w[j * k + i] : 0.0f);
        }
      }
      INFO("n " << n << " k " << k);
      CHECK(right);
    }
  }
}

TEST_CASE("pack: fff puts a node's two rows together and pads with zeros") {
  for (const int cols : {1, 16, 31, 70}) {
    for (const int trees : {1, 3}) {
      const int depth = 4;
      const std::int64_t total = trees * fff_nodes(depth), ld = round_up(cols, 16);
      Floats in(total * cols), out(total * cols), nodes(packed_fff_size(trees, depth, cols));
      Random random(cols);
      random.fill({in.data(), in.size()});
      random.fill({out.data(), out.size()});
      fill_canary({nodes.data(), nodes.size()});
      pack_fff(in.data(), out.data(), trees, depth, cols, nodes.data());
      bool right = nodes.intact();
      for (std::int64_t node = 0; node < total; ++node) {
        for (std::int64_t j = 0; j < ld; ++j) {
          right = right && nodes[node * 2 * ld + j] == (j < cols ? in[node * cols + j] : 0.0f);
          right =
              right && nodes[(node * 2 + 1) * ld + j] == (j < cols ? out[j * total + node] : 0.0f);
        }
      }
      INFO("cols " << cols << " trees " << trees);
      CHECK(right);
    }
  }
}

}  // namespace sapwood::kernels::test
