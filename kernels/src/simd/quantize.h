// From a row of floats to u8 and its scale: what quantize and layer_norm share.
#pragma once

#include "quantized.h"
#include "simd/math.h"

namespace sapwood::kernels {
namespace {

// The least and largest of the elements taken, zero included, lane by lane. The bits of floats that are not negative, as signed
// integers, have the floats' order, and so have those of negative ones as unsigned integers, backwards; NaN lies beyond infinity
// on either side. Comparing integers leaves the units that multiply floats free, and the order of elements does not matter.
struct Extent {
  Raw largest = bits_of(Vec(0.0f)), least = largest;

  void take(Vec value) {
    const Raw bits = bits_of(value);
    largest = max_signed(largest, bits);
    least = max_unsigned(least, bits);
  }
  void take(const Extent& other) {
    largest = max_signed(largest, other.largest);
    least = max_unsigned(least, other.least);
  }
  QuantizedRange range() const {
    constexpr std::uint32_t kSign = 0x80000000u, kInfinity = 0x7f800000u;
    const std::uint32_t top = max_signed_lane(largest), bottom = max_unsigned_lane(least);
    const bool nan = top > kInfinity || bottom > kSign + kInfinity;
    return quantized_range(bottom > kSign ? __builtin_bit_cast(float, bottom) : 0.0f,
                           __builtin_bit_cast(float, top), nan ? __builtin_nanf("") : 0.0f);
  }
};

// Writes a row whose range is known, and its padding.
inline void store_quantized(const float* x, int cols, const QuantizedRange& range,
                            std::uint8_t* q) {
  const Reg inverse = broadcast(range.inverse);
  const auto scaled = [&](int j) { return mul(load_reg(x + j), inverse); };
  int j = 0;
  for (; j + 4 * kLanes <= cols; j += 4 * kLanes) {
    const Reg values[4] = {scaled(j), scaled(j + kLanes), scaled(j + 2 * kLanes),
                           scaled(j + 3 * kLanes)};
    store_u8(q + j, values, range.row.zero);
  }
  for (; j + kLanes <= cols; j += kLanes) store_u8(q + j, scaled(j), range.row.zero, kLanes);
  if (j < cols) {
    store_u8(q + j, mul(load_first(x + j, cols - j), inverse), range.row.zero, cols - j);
  }
  for (std::int64_t pad = cols; pad < round_up(cols, 4); ++pad) q[pad] = 0;
}

}  // namespace
}  // namespace sapwood::kernels
