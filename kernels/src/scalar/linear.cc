#include "isa.h"
#include "sapwood/kernels/bf16.h"
#include "scalar/math.h"

namespace sapwood::kernels::scalar {
namespace {

// Calls sum(x row, line of the panel, sums) for every row and panel of the call, and finish(row,
// column, sum).
template <typename X, typename W, typename Sum, typename Add, typename Finish>
void multiply(const LinearArgs& a, int per_word, const Add& add, const Finish& finish) {
  const std::int64_t words = (a.k + per_word - 1) / per_word;
  for (int panel = a.panel_begin; panel < a.panel_end; ++panel) {
    const W* w = static_cast<const W*>(a.panels) + panel * words * kPanelWidth * per_word;
    const int column = panel * kPanelWidth;
    const int width = a.n - column < kPanelWidth ? a.n - column : kPanelWidth;
    for (int i = 0; i < a.m; ++i) {
      const X* x = static_cast<const X*>(a.x) + i * a.x_stride;
      Sum sums[kPanelWidth] = {};
      for (std::int64_t k = 0; k < words * per_word; ++k) {
        const W* line = w + k / per_word * kPanelWidth * per_word + k % per_word;
        for (int j = 0; j < kPanelWidth; ++j) sums[j] = add(sums[j], x[k], line[j * per_word]);
      }
      for (int j = 0; j < width; ++j) {
        const float value = finish(i, column + j, sums[j]);
        const float biased = a.bias == nullptr ? value : value + a.bias[column + j];
        const float y = activate(biased, a.activation);
        const std::int64_t at = i * a.y_stride + column + j;
        if (a.y_type == DType::bf16) {
          static_cast<Bf16*>(a.y)[at] = bf16_of(y);
        } else {
          static_cast<float*>(a.y)[at] = y;
        }
      }
    }
  }
}

}  // namespace

void linear_f32(const LinearArgs& a) noexcept {
  multiply<float, float, float>(
      a, 1, [](float sum, float x, float w) { return sum + x * w; },
      [](int, int, float sum) { return sum; });
}

void linear_bf16(const LinearArgs& a) noexcept {
  multiply<Bf16, Bf16, float>(
      a, 2, [](float sum, Bf16 x, Bf16 w) { return sum + float_of(x) * float_of(w); },
      [](int, int, float sum) { return sum; });
}

void linear_int8(const LinearArgs& a) noexcept {
  multiply<std::uint8_t, std::int8_t, std::int32_t>(
      a, 4, [](std::int32_t sum, std::uint8_t x, std::int8_t w) { return sum + x * w; },
      [&](int row, int column, std::int32_t sum) {
        const RowScale x = a.x_scales[row];
        return static_cast<float>(sum - x.zero * a.sums[column]) * (x.scale * a.scales[column]);
      });
}

}  // namespace sapwood::kernels::scalar
