#include "isa.h"
#include "sapwood/kernels/bf16.h"
#include "scalar/math.h"
#include "scalar/quantize.h"

namespace sapwood::kernels::scalar {

void quantize(const QuantizeArgs& a) noexcept {
  for (int i = 0; i < a.rows; ++i) {
    const float* x = a.x + std::int64_t{i} * a.cols;
    if (a.activation != Activation::none) {
      float* y = a.activated + std::int64_t{i} * a.cols;
      for (int j = 0; j < a.cols; ++j) y[j] = activate(x[j], a.activation);
      x = y;
    }
    a.scales[i] = quantize_row(x, a.cols, a.q + i * a.q_stride);
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
