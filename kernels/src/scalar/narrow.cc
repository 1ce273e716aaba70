#include <math.h>

#include "isa.h"
#include "quantized.h"
#include "sapwood/kernels/bf16.h"

namespace sapwood::kernels::scalar {

void quantize(const QuantizeArgs& a) noexcept {
  const std::int64_t padded = round_up(a.cols, 4);
  for (int i = 0; i < a.rows; ++i) {
    const float* x = a.x + std::int64_t{i} * a.cols;
    std::uint8_t* q = a.q + i * a.q_stride;
    float least = 0.0f, largest = 0.0f, poison = 0.0f;
    for (int j = 0; j < a.cols; ++j) {
      least = x[j] < least ? x[j] : least;
      largest = x[j] > largest ? x[j] : largest;
      poison += x[j] * 0.0f;
    }
    const QuantizedRange steps = quantized_range(least, largest, poison);
    a.scales[i] = steps.row;
    for (int j = 0; j < a.cols; ++j) {
      const float value = rintf(x[j] * steps.inverse) + static_cast<float>(steps.row.zero);
      q[j] = static_cast<std::uint8_t>(value > 255.0f ? 255.0f : value > 0.0f ? value : 0.0f);
    }
    for (std::int64_t pad = a.cols; pad < padded; ++pad) q[pad] = 0;
  }
}

void to_bf16(const ToBf16Args& a) noexcept {
  for (int i = 0; i < a.rows; ++i) {
    const float* x = a.x + std::int64_t{i} * a.cols;
    Bf16* y = a.y + i * a.y_stride;
    for (int j = 0; j < a.cols; ++j) y[j] = bf16_of(x[j]);
    if (a.cols % 2 != 0) y[a.cols] = 0;
  }
}

}  // namespace sapwood::kernels::scalar
