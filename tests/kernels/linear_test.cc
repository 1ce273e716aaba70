// The packed product: against the oracle, bit for bit against its own contract, and batch
// invariance.
#include <cmath>
#include <cstdlib>
#include <memory>

#include "catch.h"
#include "oracle.h"
#include "sapwood/kernels/pack.h"
#include "support.h"

namespace sapwood::kernels::test {
namespace {

// A product with random operands: x rows `x_gap` floats apart, every buffer flush against a guard
// page.
struct Product {
  int m, n, k;
  Floats x, w, panels, bias;
  std::int64_t x_stride;

  Product(int rows, int outputs, int inputs, int x_gap, std::uint32_t seed)
      : m(rows),
        n(outputs),
        k(inputs),
        x(static_cast<std::size_t>(rows - 1) * (inputs + x_gap) + inputs),
        w(static_cast<std::size_t>(outputs) * inputs),
        panels(packed_linear_size(outputs, inputs)),
        bias(round_up(outputs, kPanelWidth)),
        x_stride(inputs + x_gap) {
    Random random(seed);
    random.fill({x.data(), x.size()});
    random.fill({w.data(), w.size()});
    random.fill({bias.data(), bias.size()});
    pack_linear(w.data(), n, k, panels.data());
  }

  int panel_count() const { return static_cast<int>(round_up(n, kPanelWidth) / kPanelWidth); }

  // Runs rows [row, row + rows) and panels [begin, end) into y, whose row 0 is row `row`.
  void run(const KernelTable& table, int row, int rows, int begin, int end, Activation activation,
           bool with_bias, float* y, std::int64_t y_stride) const {
    table.linear_f32({.x = x.data() + row * x_stride,
                      .x_stride = x_stride,
                      .panels = panels.data(),
                      .bias = with_bias ? bias.data() : nullptr,
                      .y = y,
                      .y_stride = y_stride,
                      .m = rows,
                      .n = n,
                      .k = k,
                      .activation = activation,
                      .panel_begin = begin,
                      .panel_end = end});
  }
};

// Compares with the oracle and looks for writes outside of the matrix.
void check(const KernelTable& table, const Product& p, Activation activation, bool with_bias,
           int y_gap) {
  const std::int64_t y_stride = p.n + y_gap;
  Floats y(static_cast<std::size_t>(p.m - 1) * y_stride + p.n);
  fill_canary({y.data(), y.size()});
  p.run(table, 0, p.m, 0, p.panel_count(), activation, with_bias, y.data(), y_stride);

  const float* bias = with_bias ? p.bias.data() : nullptr;
  const auto expected =
      oracle::linear(p.x.data(), p.x_stride, p.w.data(), bias, p.m, p.n, p.k, activation);
  const auto magnitude =
      oracle::linear_magnitude(p.x.data(), p.x_stride, p.w.data(), bias, p.m, p.n, p.k);
  INFO(table.name << " m " << p.m << " n " << p.n << " k " << p.k << " activation "
                  << static_cast<int>(activation) << " bias " << with_bias);
  bool close = true, canaries = y.intact();
  double worst = 0;
  for (int i = 0; i < p.m; ++i) {
    for (int j = 0; j < p.n; ++j) {
      // Higham's bound for k products and sums, each rounded with 2^-24, times the steepest slope
      // of an activation (1.13, GELU's); plus the activation's own error.
      const std::size_t at = static_cast<std::size_t>(i) * p.n + j;
      const double bound =
          1.13 * (p.k + 2) * std::ldexp(magnitude[at], -24) + 4e-7 * std::abs(expected[at]) + 5e-8;
      const double error = std::abs(y[i * y_stride + j] - expected[at]);
      if (!(error <= bound)) close = false;
      if (!(error / bound <= worst)) worst = error / bound;
    }
    if (i + 1 == p.m) break;
    for (int gap = 0; gap < y_gap; ++gap)
      canaries = canaries && is_canary(y[i * y_stride + p.n + gap]);
  }
  INFO("worst error over bound " << worst);
  CHECK(close);
  CHECK(canaries);
}

}  // namespace

TEST_CASE("linear: every size around the tiles agrees with the oracle") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      std::uint32_t seed = 1;
      for (const int m : {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 16, 17, 24, 25, 49}) {
        for (const int n : {1, 7, 8, 15, 16, 17, 31, 32, 33, 48, 50, 64, 96, 97, 113}) {
          const int k = 1 + static_cast<int>(seed * 7 % 67);
          check(*table, Product(m, n, k, seed % 3, seed), Activation::none, seed % 2 == 0,
                seed % 4);
          ++seed;
        }
      }
    }
  }
}

TEST_CASE("linear: every inner length agrees with the oracle") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const int k : {1, 2, 3, 15, 16, 17, 31, 63, 64, 65, 128, 129, 255, 768, 1025}) {
        for (const int m : {1, 5, 21}) {
          check(*table, Product(m, 53, k, 5, k), Activation::gelu, true, 3);
        }
      }
    }
  }
}

TEST_CASE("linear: blocks of rows and large matrices agree with the oracle") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      check(*table, Product(211, 49, 1031, 0, 4), Activation::none, true, 0);
      check(*table, Product(130, 100, 3072, 0, 5), Activation::none, false, 1);
    }
  }
}

TEST_CASE("linear: every activation agrees with the oracle") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const Activation activation : {Activation::none, Activation::gelu, Activation::gelu_tanh,
                                          Activation::relu, Activation::tanh}) {
        for (const int n : {5, 32, 77}) {
          check(*table, Product(11, n, 3, 0, n), activation, true, 2);
          check(*table, Product(2, n, 40, 0, n), activation, false, 2);
        }
      }
    }
  }
}

TEST_CASE("linear: each element is one chain over ascending k") {
  const Product p(19, 83, 301, 2, 7);
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      Floats y(static_cast<std::size_t>(p.m) * p.n), expected(y.size());
      p.run(*table, 0, p.m, 0, p.panel_count(), Activation::none, true, y.data(), p.n);
      for (int i = 0; i < p.m; ++i) {
        for (int j = 0; j < p.n; ++j) {
          float sum = 0.0f;
          for (int l = 0; l < p.k; ++l) {
            const float a = p.x[i * p.x_stride + l], b = p.w[static_cast<std::size_t>(j) * p.k + l];
            sum = table->isa == Isa::scalar ? sum + a * b : std::fma(a, b, sum);
          }
          expected[static_cast<std::size_t>(i) * p.n + j] = sum + p.bias[j];
        }
      }
      CHECK(first_difference(y.data(), expected.data(), y.size()) == -1);
    }
  }
}

TEST_CASE("linear: a row's result does not depend on the other rows") {
  const Product p(57, 130, 97, 1, 8);
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      const std::size_t n = p.n;
      Floats together(p.m * n);
      p.run(*table, 0, p.m, 0, p.panel_count(), Activation::gelu, true, together.data(), p.n);
      std::ptrdiff_t difference = -1;
      for (int rows = 1; rows <= 30 && difference < 0; ++rows) {
        for (int row = 0; row + rows <= p.m && difference<0; row += rows> 8 ? 5 : 1) {
          Floats part(rows * n);
          p.run(*table, row, rows, 0, p.panel_count(), Activation::gelu, true, part.data(), p.n);
          difference = first_difference(part.data(), together.data() + row * n, rows * n);
          INFO(table->name << " rows " << rows << " from " << row);
          CHECK(difference == -1);
        }
      }
    }
  }
}

TEST_CASE("linear: a split over panels changes nothing and writes only its columns") {
  const Product p(10, 150, 33, 0, 9);
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      Floats together(static_cast<std::size_t>(p.m) * p.n);
      p.run(*table, 0, p.m, 0, p.panel_count(), Activation::tanh, true, together.data(), p.n);
      for (int begin = 0; begin <= p.panel_count(); ++begin) {
        for (int end = begin; end <= p.panel_count(); ++end) {
          Floats part(together.size());
          fill_canary({part.data(), part.size()});
          p.run(*table, 0, p.m, begin, end, Activation::tanh, true, part.data(), p.n);
          bool right = part.intact();
          for (int i = 0; i < p.m; ++i) {
            for (int j = 0; j < p.n; ++j) {
              const std::size_t at = static_cast<std::size_t>(i) * p.n + j;
              const bool inside = j >= begin * kPanelWidth && j < end * kPanelWidth;
              right = right && (inside ? part[at] == together[at] : is_canary(part[at]));
            }
          }
          INFO(table->name << " panels " << begin << " to " << end);
          CHECK(right);
        }
      }
    }
  }
}

}  // namespace sapwood::kernels::test
