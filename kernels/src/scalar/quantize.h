// A row of floats as u8.
#pragma once

#include <math.h>

#include "quantized.h"

namespace sapwood::kernels {
namespace {

// Writes a row and its padding, and returns its scale.
inline RowScale quantize_row(const float* x, int cols, std::uint8_t* q) {
  float least = 0.0f, largest = 0.0f, poison = 0.0f;
  for (int j = 0; j < cols; ++j) {
    least = x[j] < least ? x[j] : least;
    largest = x[j] > largest ? x[j] : largest;
    poison += x[j] * 0.0f;
  }
  const QuantizedRange steps = quantized_range(least, largest, poison);
  for (int j = 0; j < cols; ++j) {
    const float value = rintf(x[j] * steps.inverse) + static_cast<float>(steps.row.zero);
    q[j] = static_cast<std::uint8_t>(value > 255.0f ? 255.0f : value > 0.0f ? value : 0.0f);
  }
  for (std::int64_t pad = cols; pad < round_up(cols, 4); ++pad) q[pad] = 0;
  return steps.row;
}

}  // namespace
}  // namespace sapwood::kernels
