// A product with random operands of any type, and how a table runs it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "sapwood/kernels/bf16.h"
#include "sapwood/kernels/pack.h"
#include "support.h"

namespace sapwood::kernels::test {

inline const char* name_of(DType type) {
  return type == DType::f32 ? "f32" : type == DType::bf16 ? "bf16" : "int8";
}

inline std::int64_t size_of(DType type) { return 4 / elements_per_word(type); }

// Activations and panels are flush against guard pages; rows of x are seed % 3 words apart.
struct Product {
  DType type;
  int m, n, k;
  std::int64_t x_stride;
  GuardedBytes x, panels;
  std::vector<RowScale> x_scales;
  std::vector<float> scales, bias;
  std::vector<std::int32_t> sums;
  mutable GuardedBytes scratch;
  mutable unsigned calls = 0;
  Floats real_x, real_w;       // [m, k] and [n, k] that x and w stand for; but for int8
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
        scratch(linear_scratch(dtype)),
        real_x(static_cast<std::size_t>(rows) * inputs),
        real_w(static_cast<std::size_t>(outputs) * inputs) {
    Random random(seed);
    random.fill({real_x.data(), real_x.size()});
    random.fill({real_w.data(), real_w.size()});
    random.fill(bias);
    const KernelTable& scalar = *find_table(Isa::scalar);
    switch (type) {
      case DType::f32:
        for (int i = 0; i < m; ++i) {
          std::copy_n(real_x.data() + std::int64_t{i} * k, k,
                      reinterpret_cast<float*>(x.data()) + i * x_stride);
        }
        pack_linear(real_w.data(), n, k, reinterpret_cast<float*>(panels.data()));
        break;
      case DType::bf16:
        scalar.to_bf16({real_x.data(), reinterpret_cast<Bf16*>(x.data()), x_stride, m, k});
        pack_linear_bf16(real_w.data(), n, k, reinterpret_cast<Bf16*>(panels.data()));
        for (float& value : real_x) value = float_of(bf16_of(value));
        for (float& value : real_w) value = float_of(bf16_of(value));
        break;
      case DType::int8:
        scalar.quantize({real_x.data(), reinterpret_cast<std::uint8_t*>(x.data()), x_stride,
                         x_scales.data(), m, k});
        pack_linear_int8(real_w.data(), n, k, reinterpret_cast<std::int8_t*>(panels.data()),
                         scales.data(), sums.data());
        for (int j = 0; j < n; ++j) {
          const float* row = real_w.data() + std::int64_t{j} * k;
          for (int i = 0; i < k; ++i) w.push_back(int8_of(row[i], scales[j]));
        }
        break;
    }
  }

  int panel_count() const { return static_cast<int>(scales.size()) / kPanelWidth; }

  // Rows [row, row + rows) and panels [begin, end) into y, whose row 0 is row `row`.
  struct Part {
    int row, rows, begin, end;
  };
  Part whole() const { return {0, m, 0, panel_count()}; }

  void run(const KernelTable& table, const Part& part, Activation activation, void* y,
           std::int64_t y_stride, DType y_type = DType::f32, bool with_bias = true) const {
    const auto kernel = type == DType::f32    ? table.linear_f32
                        : type == DType::bf16 ? table.linear_bf16
                                              : table.linear_int8;
    // Filled with other bytes at each call: a kernel may not rely on what stands there.
    std::fill_n(scratch.data(), linear_scratch(type), static_cast<std::byte>(++calls * 37));
    kernel({.x = x.data() + part.row * x_stride * size_of(type),
            .x_stride = x_stride,
            .x_scales = x_scales.data() + part.row,
            .panels = panels.data(),
            .scales = scales.data(),
            .sums = sums.data(),
            .bias = with_bias ? bias.data() : nullptr,
            .y = y,
            .y_stride = y_stride,
            .y_type = y_type,
            .m = part.rows,
            .n = n,
            .k = k,
            .activation = activation,
            .scratch = scratch.data(),
            .panel_begin = part.begin,
            .panel_end = part.end});
  }

  // int8 without activation: the contract's formula.
  float exact(int row, int column, bool with_bias) const {
    const auto* q = reinterpret_cast<const std::uint8_t*>(x.data()) + row * x_stride;
    std::int32_t dot = 0, sum = 0;
    for (int i = 0; i < k; ++i) {
      dot += q[i] * w[static_cast<std::size_t>(column) * k + i];
      sum += w[static_cast<std::size_t>(column) * k + i];
    }
    const RowScale scale = x_scales[row];
    const float value = static_cast<float>(dot - scale.zero * sum) * (scale.scale * scales[column]);
    return with_bias ? value + bias[column] : value;
  }
};

}  // namespace sapwood::kernels::test
