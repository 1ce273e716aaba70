// From floats to the activations that bf16 and int8 products read.
#include "isa.h"
#include "quantized.h"
#include "simd/math.h"
#include "simd/tile.h"

namespace sapwood::kernels::KERNEL_ISA {
namespace {

// The least and largest element of a row, zero included; NaN in `poison` where one is not finite.
struct Range {
  float least, largest, poison;
};

Range range_of(const float* x, int cols) {
  Vec least(0.0f), largest(0.0f), poison(0.0f);
  const auto take = [&](Vec value) {
    least = xsimd::min(least, value);
    largest = xsimd::max(largest, value);
    poison = mul_add(value, Vec(0.0f), poison);
  };
  int j = 0;
  for (; j + kLanes <= cols; j += kLanes) take(Vec(load_reg(x + j)));
  if (j < cols) take(Vec(load_first(x + j, cols - j)));
  return {min_lane(least), max_lane(largest), sum_lanes(static_cast<Reg>(poison))};
}

}  // namespace

void quantize(const QuantizeArgs& a) noexcept {
  const std::int64_t padded = round_up(a.cols, 4);
  for (int i = 0; i < a.rows; ++i) {
    const float* x = a.x + std::int64_t{i} * a.cols;
    std::uint8_t* q = a.q + i * a.q_stride;
    const Range range = range_of(x, a.cols);
    const QuantizedRange steps = quantized_range(range.least, range.largest, range.poison);
    a.scales[i] = steps.row;
    const Vec inverse(steps.inverse);
    int j = 0;
    for (; j + kLanes <= a.cols; j += kLanes) {
      store_u8(q + j, mul(load_reg(x + j), inverse), steps.row.zero, kLanes);
    }
    if (j < a.cols) {
      store_u8(q + j, mul(load_first(x + j, a.cols - j), inverse), steps.row.zero, a.cols - j);
    }
    for (std::int64_t pad = a.cols; pad < padded; ++pad) q[pad] = 0;
  }
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
