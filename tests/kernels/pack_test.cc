#include "sapwood/kernels/pack.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "catch.h"
#include "sapwood/kernels/bf16.h"
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
  const DType types[] = {DType::f32, DType::bf16, DType::int8};
  const int depth = 4;
  for (const int cols : {1, 16, 31, 70}) {
    for (const int trees : {1, 3}) {
      const std::int64_t total = trees * fff_nodes(depth);
      Floats in(total * cols), out(total * cols), bias(total);
      Random random(cols);
      random.fill({in.data(), in.size()});
      random.fill({out.data(), out.size()});
      random.fill({bias.data(), bias.size()});
      for (const DType decision_type : types) {
        for (const DType out_type : types) {
          GuardedBytes nodes(packed_fff_bytes(trees, depth, cols, decision_type, out_type));
          std::vector<FffNode> params(total);
          pack_fff(
              {in.data(), out.data(), bias.data(), trees, depth, cols, decision_type, out_type},
              nodes.data(), params.data());
          bool right = nodes.intact();
          const std::byte* row = nodes.data();
          // One row of `type` at `row`: element j stands for value(j).
          const auto check_row = [&](DType type, float scale, const auto& value) {
            std::int32_t sum = 0;
            float largest = 0.0f;
            for (std::int64_t j = 0; j < cols; ++j) largest = std::max(largest, std::abs(value(j)));
            right = right && scale == (type == DType::int8 ? largest / 127.0f : 1.0f);
            const std::int64_t padded = fff_row_bytes(cols, type) * elements_per_word(type) / 4;
            for (std::int64_t j = 0; j < padded; ++j) {
              const float wanted = j < cols ? value(j) : 0.0f;
              if (type == DType::f32) {
                right = right && reinterpret_cast<const float*>(row)[j] == wanted;
              } else if (type == DType::bf16) {
                right = right && reinterpret_cast<const Bf16*>(row)[j] == bf16_of(wanted);
              } else {
                const std::int8_t q = reinterpret_cast<const std::int8_t*>(row)[j];
                right = right && q == std::nearbyint(wanted / scale);
                sum += q;
              }
            }
            row += fff_row_bytes(cols, type);
            return static_cast<float>(sum);
          };
          for (std::int64_t node = 0; node < total; ++node) {
            const FffNode& p = params[node];
            const float sum = check_row(decision_type, p.in_scale,
                                        [&](std::int64_t j) { return in[node * cols + j]; });
            right = right && p.bias == bias[node] && p.in_sum == sum;
            check_row(out_type, p.out_scale, [&](std::int64_t j) { return out[j * total + node]; });
          }
          INFO("cols " << cols << " trees " << trees << " types " << static_cast<int>(decision_type)
                       << " " << static_cast<int>(out_type));
          CHECK(right);
        }
      }
    }
  }
}

}  // namespace sapwood::kernels::test
