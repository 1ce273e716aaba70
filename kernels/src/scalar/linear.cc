#include "isa.h"
#include "scalar/math.h"

namespace sapwood::kernels::scalar {

void linear(const LinearArgs& a) noexcept {
  for (int panel = a.panel_begin; panel < a.panel_end; ++panel) {
    const float* w = a.panels + std::int64_t{panel} * a.k * kPanelWidth;
    const int column = panel * kPanelWidth;
    const int width = a.n - column < kPanelWidth ? a.n - column : kPanelWidth;
    for (int i = 0; i < a.m; ++i) {
      const float* x = a.x + i * a.x_stride;
      float sums[kPanelWidth] = {};
      for (std::int64_t k = 0; k < a.k; ++k) {
        for (int j = 0; j < kPanelWidth; ++j) sums[j] += x[k] * w[k * kPanelWidth + j];
      }
      float* y = a.y + i * a.y_stride + column;
      for (int j = 0; j < width; ++j) {
        const float biased = a.bias == nullptr ? sums[j] : sums[j] + a.bias[column + j];
        y[j] = activate(biased, a.activation);
      }
    }
  }
}

}  // namespace sapwood::kernels::scalar
