#include "isa.h"
#include "scalar/math.h"

namespace sapwood::kernels::scalar {
namespace {

// Sixteen partial sums, so that the order is fixed and the compiler may use what vectors there are.
float dot(const float* x, const float* w, int n) {
  constexpr int kLanes = 16;
  float lanes[kLanes] = {};
  int j = 0;
  for (; j + kLanes <= n; j += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += x[j + lane] * w[j + lane];
  }
  for (int lane = 0; j < n; ++j, ++lane) lanes[lane] += x[j] * w[j];
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

}  // namespace

void fff(const FffArgs& a) noexcept {
  constexpr int kMaxLevels = 25;
  constexpr int kColumns = 16;
  const std::int64_t ld = round_up(a.cols, kPanelWidth);
  const std::int64_t nodes = fff_nodes(a.depth);
  for (int i = 0; i < a.rows; ++i) {
    const float* x = a.x + i * a.x_stride;
    float* y = a.y + i * a.y_stride;
    for (int tree = 0; tree < a.trees; ++tree) {
      const float* tree_nodes = a.nodes + tree * nodes * 2 * ld;
      const float* bias = a.bias + tree * nodes;
      const float* out[kMaxLevels];
      float weight[kMaxLevels];
      std::int64_t node = 0;
      for (int level = 0; level <= a.depth; ++level) {
        const float* in = tree_nodes + node * 2 * ld;
        const float z = dot(x, in, a.cols) + bias[node];
        out[level] = in + ld;
        weight[level] = gelu(z);
        node = 2 * node + 1 + (z > 0.0f ? 1 : 0);
      }
      for (int j = 0; j < a.cols; j += kColumns) {
        const int width = a.cols - j < kColumns ? a.cols - j : kColumns;
        float sums[kColumns] = {};
        for (int level = 0; level <= a.depth; ++level) {
          for (int c = 0; c < width; ++c) sums[c] += weight[level] * out[level][j + c];
        }
        for (int c = 0; c < width; ++c) y[j + c] = tree == 0 ? sums[c] : y[j + c] + sums[c];
      }
    }
  }
}

}  // namespace sapwood::kernels::scalar
