// From floats to u8 and bf16: the same bits on every instruction set, and what those bits must be.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "catch.h"
#include "sapwood/kernels/bf16.h"
#include "sapwood/kernels/pack.h"
#include "support.h"

namespace sapwood::kernels::test {
namespace {

struct Quantized {
  int rows, cols;
  std::int64_t stride;
  GuardedBytes q;
  std::vector<RowScale> scales;

  Quantized(const KernelTable& table, const float* x, int row_count, int col_count)
      : rows(row_count),
        cols(col_count),
        stride(round_up(col_count, 4)),
        q(static_cast<std::size_t>(row_count) * stride),
        scales(static_cast<std::size_t>(row_count)) {
    table.quantize({x, data(), stride, scales.data(), rows, cols});
  }
  std::uint8_t* data() const { return reinterpret_cast<std::uint8_t*>(q.data()); }
};

}  // namespace

TEST_CASE("quantize: within half a step, zero exact, padding zero") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      Random random(5);
      for (const int cols : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 383, 768}) {
        constexpr int kRows = 5;
        Floats x(static_cast<std::size_t>(kRows) * cols);
        random.fill({x.data(), x.size()}, 3.0f);
        for (int j = 0; j < cols; ++j) {
          x[cols + j] = std::abs(x[cols + j]);           // all positive
          x[2 * cols + j] = -std::abs(x[2 * cols + j]);  // all negative
          x[3 * cols + j] = 0.0f;                        // nothing
        }
        const Quantized result(*table, x.data(), kRows, cols);
        bool close = result.q.intact(), padded = true;
        for (int i = 0; i < kRows; ++i) {
          const RowScale scale = result.scales[i];
          CHECK((scale.zero >= 0 && scale.zero <= 255));
          for (int j = 0; j < cols; ++j) {
            const float back = scale.scale * (result.data()[i * result.stride + j] - scale.zero);
            // Half a step for the element and half a step for the rounded zero point.
            close = close && std::abs(back - x[i * cols + j]) <= scale.scale * 1.001f;
          }
          for (std::int64_t j = cols; j < result.stride; ++j) {
            padded = padded && result.data()[i * result.stride + j] == 0;
          }
        }
        INFO("cols " << cols);
        CHECK(close);
        CHECK(padded);
        CHECK(result.scales[3].scale == 0.0f);
      }
    }
  }
}

TEST_CASE("quantize: the same bits on every instruction set") {
  Random random(6);
  for (const int cols : {1, 13, 16, 384, 771}) {
    constexpr int kRows = 64;
    std::vector<float> x(static_cast<std::size_t>(kRows) * cols);
    random.fill(x, 2.0f);
    for (int i = 0; i < kRows; ++i) {
      const float scale = std::ldexp(1.0f, i * 4 - 132);  // from subnormal ranges up
      for (int j = 0; j < cols; ++j) x[static_cast<std::size_t>(i) * cols + j] *= scale;
    }
    const Quantized expected(*find_table(Isa::scalar), x.data(), kRows, cols);
    for (const KernelTable* table : tables()) {
      const Quantized result(*table, x.data(), kRows, cols);
      INFO(table->name << " cols " << cols);
      CHECK(std::equal(result.data(), result.data() + kRows * result.stride, expected.data()));
      bool scales = true;
      for (int i = 0; i < kRows; ++i) {
        scales = scales && result.scales[i].scale == expected.scales[i].scale &&
                 result.scales[i].zero == expected.scales[i].zero;
      }
      CHECK(scales);
    }
  }
}

TEST_CASE("quantize: with an activation, as a row that was activated before") {
  constexpr int kRows = 3;
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const int cols : {1, 7, 8, 9, 16, 17, 31, 33, 48, 77, 128, 129}) {
        for (int kind = 1; kind <= static_cast<int>(Activation::gelu_10); ++kind) {
          const auto activation = static_cast<Activation>(kind);
          const std::size_t size = static_cast<std::size_t>(kRows) * cols;
          Floats x(size), y(size), expected(size), rows(size * 2);
          Random(cols).fill({x.data(), size}, 2.0f);
          // The gate kernel's activation of x, times 1.
          std::fill(rows.begin(), rows.end(), 1.0f);
          for (int i = 0; i < kRows; ++i) {
            std::copy_n(x.data() + i * cols, cols, rows.data() + 2 * i * cols);
          }
          table->glu({rows.data(), expected.data(), kRows, cols, activation});
          const Quantized whole(*table, expected.data(), kRows, cols);
          for (float* to : {y.data(), x.data()}) {
            GuardedBytes q(static_cast<std::size_t>(kRows) * whole.stride);
            std::vector<RowScale> scales(kRows);
            table->quantize({x.data(), reinterpret_cast<std::uint8_t*>(q.data()), whole.stride,
                             scales.data(), kRows, cols, activation, to});
            INFO(table->name << " cols " << cols << " activation " << kind);
            CHECK(first_difference(to, expected.data(), size) == -1);
            CHECK(std::equal(q.data(), q.data() + kRows * whole.stride, whole.q.data()));
            for (int i = 0; i < kRows; ++i) {
              CHECK((scales[i].scale == whole.scales[i].scale &&
                     scales[i].zero == whole.scales[i].zero));
            }
            CHECK((q.intact() && x.intact() && y.intact()));
          }
        }
      }
    }
  }
}

TEST_CASE("quantize: a row that is not finite is flagged by its scale") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const float bad : {kNan, -kNan, kInfinity, -kInfinity}) {
        for (const int at : {0, 15, 16, 36}) {
          std::vector<float> x(37 * 2, 1.0f);
          x[at] = bad;
          const Quantized result(*table, x.data(), 2, 37);
          CHECK(std::isnan(result.scales[0].scale));
          CHECK(result.scales[1].scale == 1.0f / 255.0f);
        }
      }
    }
  }
}

TEST_CASE("to_bf16: rounds to nearest even and keeps NaN, the same on every instruction set") {
  std::vector<float> x;
  for (std::uint32_t bits = 0; bits < 0xffff0000u; bits += 0x1fff7u) {
    x.push_back(std::bit_cast<float>(bits));
  }
  for (const std::uint32_t bits : {0x3f808000u, 0x3f818000u, 0x7f7fffffu, 0x7f800000u, 0xff800000u,
                                   0x7fc00000u, 0x7f800001u, 0xffffffffu, 0x80000000u, 0x1u}) {
    x.push_back(std::bit_cast<float>(bits));
  }
  CHECK(bf16_of(std::bit_cast<float>(0x3f808000u)) == 0x3f80);  // a tie goes to even
  CHECK(bf16_of(std::bit_cast<float>(0x3f818000u)) == 0x3f82);
  CHECK(std::isnan(float_of(bf16_of(std::bit_cast<float>(0x7f800001u)))));
  const int cols = static_cast<int>(x.size());
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const int n : {1, 2, 7, 8, 9, 16, 17, 33, cols}) {
        GuardedBytes bytes(static_cast<std::size_t>(round_up(n, 2)) * 2);
        auto* y = reinterpret_cast<Bf16*>(bytes.data());
        table->to_bf16({x.data() + cols - n, y, round_up(n, 2), 1, n});
        bool right = bytes.intact();
        for (int i = 0; i < n; ++i) right = right && y[i] == bf16_of(x[cols - n + i]);
        if (n % 2 != 0) right = right && y[n] == 0;
        INFO("n " << n);
        CHECK(right);
      }
    }
  }
}

}  // namespace sapwood::kernels::test
