// How a row of floats becomes u8: the few operations that every instruction set must do alike, bit
// for bit.
#pragma once

#include "sapwood/kernels/kernels.h"

namespace sapwood::kernels {
namespace {

// Ranges below this are taken for zero: their inverse would leave the floats.
constexpr float kLeastRange = 1e-30f;

struct QuantizedRange {
  RowScale row;
  float inverse;  // what elements are multiplied by
};

// The nearest integer to -255 <= x <= 255, ties to even: adding 1.5 * 2^23 leaves no fraction bits.
inline std::int32_t nearest(float x) {
  const float shifted = x + 12582912.0f;
  return static_cast<std::int32_t>(shifted - 12582912.0f);
}

// From the least and largest element, zero included. `poison` is NaN where an element is not
// finite.
inline QuantizedRange quantized_range(float least, float largest, float poison) {
  const float range = largest - least + poison;
  if (range < kLeastRange) return {{0.0f, 0}, 0.0f};
  if (!(range < __builtin_inff())) return {{__builtin_nanf(""), 0}, 0.0f};
  const float inverse = 255.0f / range;
  return {{range / 255.0f, nearest(-least * inverse)}, inverse};
}

}  // namespace
}  // namespace sapwood::kernels
