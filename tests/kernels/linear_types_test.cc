// Products of bf16 and int8: bf16 against the oracle on the rounded operands, int8 bit for bit
// against exact integers; what no type may do (other rows, other columns, beyond the operands) for
// both.
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "catch.h"
#include "oracle.h"
#include "sapwood/kernels/bf16.h"
#include "sapwood/kernels/pack.h"
#include "support.h"

namespace sapwood::kernels::test {
namespace {

using Kernel = void (*)(const LinearArgs&) noexcept;

Kernel kernel(const KernelTable& table, DType type) {
  return type == DType::bf16 ? table.linear_bf16 : table.linear_int8;
}

const char* name_of(DType type) { return type == DType::bf16 ? "bf16" : "int8"; }

std::int64_t size_of(DType type) { return type == DType::bf16 ? 2 : 1; }

// A product with random operands, its activations and panels flush against guard pages.
struct Product {
  DType type;
  int m, n, k;
  std::int64_t x_stride;
  GuardedBytes x, panels;
  std::vector<RowScale> x_scales;
  std::vector<float> scales, bias;
  std::vector<std::int32_t> sums;
  Floats real_x, real_w;       // what x and w stand for; bf16 only
  std::vector<std::int8_t> w;  // [n, k], int8 only

  Product(DType dtype, int rows, int outputs, int inputs, std::uint32_t seed)
      : type(dtype),
        m(rows),
        n(outputs),
        k(inputs),
        x_stride(round_up(inputs, elements_per_word(dtype)) +
                 static_cast<int>(seed % 3) * elements_per_word(dtype)),
        x(static_cast<std::size_t>(
            ((rows - 1) * x_stride + round_up(inputs, elements_per_word(dtype))) * size_of(dtype))),
        panels(
            static_cast<std::size_t>(packed_linear_size(outputs, inputs, dtype) * size_of(dtype))),
        x_scales(static_cast<std::size_t>(rows)),
        scales(static_cast<std::size_t>(round_up(outputs, kPanelWidth))),
        bias(scales.size()),
        sums(scales.size()),
        real_x(static_cast<std::size_t>(rows) * inputs),
        real_w(static_cast<std::size_t>(outputs) * inputs) {
    Random random(seed);
    random.fill({real_x.data(), real_x.size()});
    random.fill({real_w.data(), real_w.size()});
    random.fill(bias);
    const KernelTable& scalar = *find_table(Isa::scalar);
    if (type == DType::bf16) {
      scalar.to_bf16({real_x.data(), reinterpret_cast<Bf16*>(x.data()), x_stride, m, k});
      pack_linear_bf16(real_w.data(), n, k, reinterpret_cast<Bf16*>(panels.data()));
      for (float& value : real_x) value = float_of(bf16_of(value));
      for (float& value : real_w) value = float_of(bf16_of(value));
    } else {
      scalar.quantize({real_x.data(), reinterpret_cast<std::uint8_t*>(x.data()), x_stride,
                       x_scales.data(), m, k});
      pack_linear_int8(real_w.data(), n, k, reinterpret_cast<std::int8_t*>(panels.data()),
                       scales.data(), sums.data());
      for (int j = 0; j < n; ++j) {
        for (int i = 0; i < k; ++i) w.push_back(int8_of(real_w[j * std::size_t(k) + i], scales[j]));
      }
    }
  }

  int panel_count() const { return static_cast<int>(scales.size()) / kPanelWidth; }

  void run(const KernelTable& table, int row, int rows, int begin, int end, Activation activation,
           void* y, std::int64_t y_stride, DType y_type = DType::f32) const {
    kernel(table, type)({.x = x.data() + row * x_stride * size_of(type),
                         .x_stride = x_stride,
                         .x_scales = x_scales.data() + row,
                         .panels = panels.data(),
                         .scales = scales.data(),
                         .sums = sums.data(),
                         .bias = bias.data(),
                         .y = y,
                         .y_stride = y_stride,
                         .y_type = y_type,
                         .m = rows,
                         .n = n,
                         .k = k,
                         .activation = activation,
                         .panel_begin = begin,
                         .panel_end = end});
  }

  // int8 without activation: the contract's formula.
  float exact(int row, int column) const {
    const auto* q = reinterpret_cast<const std::uint8_t*>(x.data()) + row * x_stride;
    std::int32_t dot = 0, sum = 0;
    for (int i = 0; i < k; ++i) {
      dot += q[i] * w[static_cast<std::size_t>(column) * k + i];
      sum += w[static_cast<std::size_t>(column) * k + i];
    }
    const RowScale scale = x_scales[row];
    return static_cast<float>(dot - scale.zero * sum) * (scale.scale * scales[column]) +
           bias[column];
  }
};

// The whole product on one table, with canaries between rows.
void check(const KernelTable& table, const Product& p) {
  INFO(table.name << " " << name_of(p.type) << " m " << p.m << " n " << p.n << " k " << p.k);
  const std::int64_t y_stride = p.n + 3;
  Floats y(static_cast<std::size_t>(p.m - 1) * y_stride + p.n);
  fill_canary({y.data(), y.size()});
  p.run(table, 0, p.m, 0, p.panel_count(), Activation::none, y.data(), y_stride);
  bool right = true, canaries = y.intact();
  std::vector<double> expected, magnitude;
  if (p.type == DType::bf16) {
    expected = oracle::linear(p.real_x.data(), p.k, p.real_w.data(), p.bias.data(), p.m, p.n, p.k,
                              Activation::none);
    magnitude = oracle::linear_magnitude(p.real_x.data(), p.k, p.real_w.data(), p.bias.data(), p.m,
                                         p.n, p.k);
  }
  for (int i = 0; i < p.m; ++i) {
    for (int j = 0; j < p.n; ++j) {
      const float value = y[i * y_stride + j];
      if (p.type == DType::int8) {
        right = right && value == p.exact(i, j);
      } else {
        const std::size_t at = static_cast<std::size_t>(i) * p.n + j;
        // As for f32; VDPBF16PS flushes subnormals on top.
        const double bound = (p.k + 2) * std::ldexp(magnitude[at], -24) + 1e-30;
        right = right && std::abs(value - expected[at]) <= bound;
      }
    }
    for (int gap = 0; gap < 3 && i + 1 < p.m; ++gap) {
      canaries = canaries && is_canary(y[i * y_stride + p.n + gap]);
    }
  }
  CHECK(right);
  CHECK(canaries);
}

}  // namespace

TEST_CASE("linear, bf16 and int8: every size around the tiles") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      std::uint32_t seed = 1;
      for (const int m : {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 17, 25, 49}) {
        for (const int n : {1, 8, 15, 16, 17, 32, 33, 48, 50, 96, 113}) {
          const int k = 1 + static_cast<int>(seed * 7 % 67);
          check(*table, Product(DType::bf16, m, n, k, seed));
          check(*table, Product(DType::int8, m, n, k, seed));
          ++seed;
        }
      }
    }
  }
}

TEST_CASE("linear, bf16 and int8: inner lengths and blocks") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const DType type : {DType::bf16, DType::int8}) {
        for (const int k : {1, 2, 3, 4, 5, 63, 64, 65, 127, 768, 1027}) {
          for (const int m : {1, 5, 21}) check(*table, Product(type, m, 53, k, k));
        }
        check(*table, Product(type, 131, 49, 3072, 4));
        check(*table, Product(type, 40, 20, 8200, 5));
      }
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

TEST_CASE("linear, bf16 and int8: a row depends on itself alone") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const DType type : {DType::bf16, DType::int8}) {
        const Product p(type, 57, 130, 97, 8);
        const std::size_t n = p.n;
        Floats together(p.m * n);
        p.run(*table, 0, p.m, 0, p.panel_count(), Activation::gelu, together.data(), p.n);
        for (int rows = 1; rows <= 30; ++rows) {
          for (int row = 0; row + rows <= p.m; row += 9) {
            Floats part(rows * n);
            p.run(*table, row, rows, 0, p.panel_count(), Activation::gelu, part.data(), p.n);
            INFO(name_of(type) << " rows " << rows << " from " << row);
            REQUIRE(first_difference(part.data(), together.data() + row * n, rows * n) == -1);
          }
        }
      }
    }
  }
}

TEST_CASE("linear, bf16 and int8: a split over panels writes only its columns") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const DType type : {DType::bf16, DType::int8}) {
        const Product p(type, 10, 150, 33, 9);
        Floats together(static_cast<std::size_t>(p.m) * p.n);
        p.run(*table, 0, p.m, 0, p.panel_count(), Activation::tanh, together.data(), p.n);
        for (int begin = 0; begin <= p.panel_count(); begin += 3) {
          for (int end = begin; end <= p.panel_count(); ++end) {
            Floats part(together.size());
            fill_canary({part.data(), part.size()});
            p.run(*table, 0, p.m, begin, end, Activation::tanh, part.data(), p.n);
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

TEST_CASE("linear: a bf16 result is the rounded float result") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const DType type : {DType::bf16, DType::int8}) {
        for (const int m : {1, 7, 40}) {
          for (const int n : {1, 24, 53}) {
            const Product p(type, m, n, 70, m + n);
            Floats wide(static_cast<std::size_t>(m) * n);
            p.run(*table, 0, m, 0, p.panel_count(), Activation::gelu, wide.data(), n);
            GuardedBytes bytes(static_cast<std::size_t>(m) * n * 2);
            auto* narrow = reinterpret_cast<Bf16*>(bytes.data());
            p.run(*table, 0, m, 0, p.panel_count(), Activation::gelu, narrow, n, DType::bf16);
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
