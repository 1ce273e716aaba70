// From floats to the activations that bf16 and int8 products read.
#include "isa.h"
#include "simd/quantize.h"

namespace sapwood::kernels::KERNEL_ISA {
namespace {

// The range of f(x) over a row; f(x) goes to y.
template <typename Function>
QuantizedRange activate_row(const float* x, float* y, int cols, const Function& f) {
  Extent even, odd;  // so that no element waits for the one before
  const auto at = [&](int j) {
    const Vec value = f(Vec(load_reg(x + j)));
    store_reg(y + j, value);
    return value;
  };
  int j = 0;
  for (; j + 2 * kLanes <= cols; j += 2 * kLanes) {
    even.take(at(j));
    odd.take(at(j + kLanes));
  }
  if (j + kLanes <= cols) {
    even.take(at(j));
    j += kLanes;
  }
  if (j < cols) {
    const Reg value = f(Vec(load_first(x + j, cols - j)));
    store_first(y + j, value, cols - j);
    even.take(Vec(blend_first(value, zero(), cols - j)));
  }
  even.take(odd);
  return even.range();
}

QuantizedRange range_of(const float* x, int cols) {
  Extent even, odd;
  int j = 0;
  for (; j + 2 * kLanes <= cols; j += 2 * kLanes) {
    even.take(Vec(load_reg(x + j)));
    odd.take(Vec(load_reg(x + j + kLanes)));
  }
  if (j + kLanes <= cols) {
    even.take(Vec(load_reg(x + j)));
    j += kLanes;
  }
  if (j < cols) even.take(Vec(load_first(x + j, cols - j)));
  even.take(odd);
  return even.range();
}

// range(first) makes the row of `from` that begins at `first`, and gives its range.
template <typename Range>
void quantize_rows(const QuantizeArgs& a, const float* from, const Range& range) {
  for (int i = 0; i < a.rows; ++i) {
    const std::int64_t first = std::int64_t{i} * a.cols;
    const QuantizedRange steps = range(first);
    a.scales[i] = steps.row;
    store_quantized(from + first, a.cols, steps, a.q + i * a.q_stride);
  }
}

}  // namespace

void quantize(const QuantizeArgs& a) noexcept {
  if (a.activation == Activation::none) {
    return quantize_rows(a, a.x, [&](std::int64_t first) { return range_of(a.x + first, a.cols); });
  }
  with_activation(a.activation, [&](const auto& function) {
    quantize_rows(a, a.activated, [&](std::int64_t first) {
      return activate_row(a.x + first, a.activated + first, a.cols, function);
    });
  });
}

void to_bf16(const ToBf16Args& a) noexcept {
  for (int i = 0; i < a.rows; ++i) {
    const float* x = a.x + std::int64_t{i} * a.cols;
    Bf16* y = a.y + i * a.y_stride;
    int j = 0;
    for (; j + kLanes <= a.cols; j += kLanes) store_bf16(y + j, load_reg(x + j), kLanes);
    if (j < a.cols) store_bf16(y + j, load_first(x + j, a.cols - j), a.cols - j);
    if (a.cols % 2 != 0) y[a.cols] = 0;
  }
}

}  // namespace sapwood::kernels::KERNEL_ISA
