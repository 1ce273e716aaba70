// The packed product of every type: f32 and bf16 against the oracle on the rounded operands, int8
// bit for bit against exact integers; what no type may do (other rows, other columns, beyond the
// operands) for all.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "catch.h"
#include "linear_product.h"
#include "oracle.h"

namespace sapwood::kernels::test {
namespace {

constexpr DType kTypes[] = {DType::f32, DType::bf16, DType::int8};

// The whole product on one table, with canaries between rows. int8 without activation only.
void check(const KernelTable& table, const Product& p, Activation activation = Activation::none,
           bool with_bias = true, int y_gap = 3) {
  INFO(table.name << " " << name_of(p.type) << " m " << p.m << " n " << p.n << " k " << p.k
                  << " activation " << static_cast<int>(activation) << " bias " << with_bias);
  const std::int64_t y_stride = p.n + y_gap;
  Floats y(static_cast<std::size_t>(p.m - 1) * y_stride + p.n);
  fill_canary({y.data(), y.size()});
  p.run(table, p.whole(), activation, y.data(), y_stride, DType::f32, with_bias);

  const float* bias = with_bias ? p.bias.data() : nullptr;
  std::vector<double> expected, magnitude;
  if (p.type != DType::int8) {
    expected =
        oracle::linear(p.real_x.data(), p.k, p.real_w.data(), bias, p.m, p.n, p.k, activation);
    magnitude =
        oracle::linear_magnitude(p.real_x.data(), p.k, p.real_w.data(), bias, p.m, p.n, p.k);
  }
  bool right = true, canaries = y.intact();
  double worst = 0;
  for (int i = 0; i < p.m; ++i) {
    for (int j = 0; j < p.n; ++j) {
      const float value = y[i * y_stride + j];
      if (p.type == DType::int8) {
        right = right && value == p.exact(i, j, with_bias);
        continue;
      }
      // Higham's bound for k products and sums, each rounded with 2^-24 (VDPBF16PS flushes
      // subnormals on top), times the steepest slope of an activation (GELU's), plus the
      // activation's own error.
      const std::size_t at = static_cast<std::size_t>(i) * p.n + j;
      double bound = (p.k + 2) * std::ldexp(magnitude[at], -24) + 1e-30;
      if (activation != Activation::none) {
        bound = 1.13 * bound + 4e-7 * std::abs(expected[at]) + 5e-8;
      }
      const double error = std::abs(value - expected[at]) / bound;
      right = right && error <= 1;
      worst = std::max(worst, error);
    }
    for (int gap = 0; gap < y_gap && i + 1 < p.m; ++gap) {
      canaries = canaries && is_canary(y[i * y_stride + p.n + gap]);
    }
  }
  INFO("worst error over bound " << worst);
  CHECK(right);
  CHECK(canaries);
}

}  // namespace

TEST_CASE("linear: every size around the tiles") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      int seed = 1;
      for (const int m : {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 16, 17, 24, 25, 49}) {
        for (const int n : {1, 7, 8, 15, 16, 17, 31, 32, 33, 48, 50, 64, 96, 97, 113}) {
          for (const DType type : kTypes) {
            check(*table, Product(type, m, n, 1 + seed * 7 % 67, seed), Activation::none,
                  seed % 2 == 0, seed % 4);
          }
          ++seed;
        }
      }
    }
  }
}

TEST_CASE("linear: inner lengths, blocks of rows and large matrices") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const DType type : kTypes) {
        for (const int k : {1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 127, 255, 768, 1027}) {
          for (const int m : {1, 5, 21}) check(*table, Product(type, m, 53, k, k));
        }
        check(*table, Product(type, 211, 49, 1031, 4));
        check(*table, Product(type, 130, 100, 3072, 5));
        check(*table, Product(type, 40, 20, 8200, 5));
        check(*table, Product(type, 3, 20, kMostInt8Depth, 6));
      }
    }
  }
}

TEST_CASE("linear: every activation agrees with the oracle") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const Activation activation :
           {Activation::none, Activation::gelu, Activation::gelu_tanh, Activation::relu,
            Activation::tanh, Activation::silu, Activation::quick_gelu, Activation::gelu_10}) {
        for (const DType type : {DType::f32, DType::bf16}) {
          for (const int n : {5, 32, 77}) {
            check(*table, Product(type, 11, n, 3, n), activation, true);
            check(*table, Product(type, 2, n, 40, n), activation, false);
          }
        }
      }
    }
  }
}

TEST_CASE("linear, f32: each element is one chain over ascending k") {
  const Product p(DType::f32, 19, 83, 301, 7);
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      Floats y(static_cast<std::size_t>(p.m) * p.n), expected(y.size());
      p.run(*table, p.whole(), Activation::none, y.data(), p.n);
      for (int i = 0; i < p.m; ++i) {
        for (int j = 0; j < p.n; ++j) {
          float sum = 0.0f;
          for (int l = 0; l < p.k; ++l) {
            const float a = p.real_x[static_cast<std::size_t>(i) * p.k + l];
            const float b = p.real_w[static_cast<std::size_t>(j) * p.k + l];
            sum = table->isa == Isa::scalar ? sum + a * b : std::fma(a, b, sum);
          }
          expected[static_cast<std::size_t>(i) * p.n + j] = sum + p.bias[j];
        }
      }
      CHECK(first_difference(y.data(), expected.data(), y.size()) == -1);
    }
  }
}

TEST_CASE("linear, int8: extreme operands stay exact") {
  // Every product at its largest, of either sign: 16-bit sums would saturate.
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      Product p(DType::int8, 3, 16, 512, 1);
      auto* q = reinterpret_cast<std::uint8_t*>(p.x.data());
      auto* packed = reinterpret_cast<std::int8_t*>(p.panels.data());
      for (int pattern = 0; pattern < 4; ++pattern) {
        std::memset(q, pattern % 2 == 0 ? 255 : 0, 2 * p.x_stride + 512);
        const std::int8_t sign = pattern < 2 ? 127 : -127;
        std::fill(p.w.begin(), p.w.end(), sign);
        std::memset(packed, sign, p.w.size());
        std::fill(p.sums.begin(), p.sums.end(), 512 * sign);
        check(*table, p);
      }
    }
  }
}

TEST_CASE("linear: a row's result does not depend on the other rows") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const DType type : kTypes) {
        const Product p(type, 57, 130, 97, 8);
        const std::size_t n = p.n;
        Floats together(p.m * n);
        p.run(*table, p.whole(), Activation::gelu, together.data(), p.n);
        for (int rows = 1; rows <= 30; ++rows) {
          const int step = type != DType::f32 ? 9 : rows > 8 ? 5 : 1;
          for (int row = 0; row + rows <= p.m; row += step) {
            Floats part(rows * n);
            p.run(*table, {row, rows, 0, p.panel_count()}, Activation::gelu, part.data(), p.n);
            INFO(name_of(type) << " rows " << rows << " from " << row);
            REQUIRE(first_difference(part.data(), together.data() + row * n, rows * n) == -1);
          }
        }
      }
    }
  }
}

TEST_CASE("linear: a split over panels changes nothing and writes only its columns") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const DType type : kTypes) {
        const Product p(type, 10, 150, 33, 9);
        Floats together(static_cast<std::size_t>(p.m) * p.n);
        p.run(*table, p.whole(), Activation::tanh, together.data(), p.n);
        for (int begin = 0; begin <= p.panel_count(); ++begin) {
          for (int end = begin; end <= p.panel_count(); ++end) {
            Floats part(together.size());
            fill_canary({part.data(), part.size()});
            p.run(*table, {0, p.m, begin, end}, Activation::tanh, part.data(), p.n);
            bool right = part.intact();
            for (std::size_t at = 0; at < part.size(); ++at) {
              const int j = static_cast<int>(at % p.n);
              const bool inside = j >= begin * kPanelWidth && j < end * kPanelWidth;
              right = right && (inside ? part[at] == together[at] : is_canary(part[at]));
            }
            INFO(name_of(type) << " panels " << begin << " to " << end);
            CHECK(right);
          }
        }
      }
    }
  }
}

TEST_CASE("linear, bf16 widened: each element is one chain, however few or many rows") {
  // Rows on either side of where panels are widened once for all; k in one block, in two, and one too deep to keep
  // with a bf16 result.
  for (const KernelTable* table : tables()) {
    if (table->isa == Isa::scalar || table->isa == Isa::avx512_bf16) continue;
    DYNAMIC_SECTION(table->name) {
      for (const int k : {77, 1024, 1025, 2051}) {
        const Product p(DType::bf16, 139, 70, k, k);
        Floats y(static_cast<std::size_t>(p.m) * p.n), expected(y.size());
        for (int i = 0; i < p.m; ++i) {
          for (int j = 0; j < p.n; ++j) {
            float sum = 0.0f;
            for (int l = 0; l < p.k; ++l) {
              sum = std::fma(p.real_x[static_cast<std::size_t>(i) * p.k + l],
                             p.real_w[static_cast<std::size_t>(j) * p.k + l], sum);
            }
            expected[static_cast<std::size_t>(i) * p.n + j] = sum + p.bias[j];
          }
        }
        for (const int rows : {1, 5, 12, 13, 17, 40, 139}) {
          p.run(*table, {0, rows, 0, p.panel_count()}, Activation::none, y.data(), p.n);
          const std::size_t count = static_cast<std::size_t>(rows) * p.n;
          INFO("k " << k << " rows " << rows);
          CHECK(first_difference(y.data(), expected.data(), count) == -1);
          std::vector<Bf16> narrow(count);
          p.run(*table, {0, rows, 0, p.panel_count()}, Activation::none, narrow.data(), p.n,
                DType::bf16);
          bool right = true;
          for (std::size_t i = 0; i < count; ++i)
            right = right && narrow[i] == bf16_of(expected[i]);
          CHECK(right);
        }
      }
    }
  }
}

TEST_CASE("linear: a bf16 result is the rounded float result") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const DType type : kTypes) {
        for (const int m : {1, 7, 40}) {
          for (const int n : {1, 24, 53}) {
            const Product p(type, m, n, 70, m + n);
            Floats wide(static_cast<std::size_t>(m) * n);
            p.run(*table, p.whole(), Activation::gelu, wide.data(), n);
            GuardedBytes bytes(static_cast<std::size_t>(m) * n * 2);
            auto* narrow = reinterpret_cast<Bf16*>(bytes.data());
            p.run(*table, p.whole(), Activation::gelu, narrow, n, DType::bf16);
            bool right = bytes.intact();
            for (std::size_t i = 0; i < wide.size(); ++i) {
              right = right && narrow[i] == bf16_of(wide[i]);
            }
            INFO(name_of(type) << " m " << m << " n " << n);
            CHECK(right);
          }
        }
      }
    }
  }
}

}  // namespace sapwood::kernels::test
