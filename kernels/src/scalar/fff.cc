#include "isa.h"
#include "sapwood/kernels/bf16.h"
#include "scalar/math.h"

namespace sapwood::kernels::scalar {
namespace {

// Sixteen partial sums, so that the order is fixed and the compiler may use what vectors there are.
template <typename Sum, typename X, typename W, typename Multiply>
Sum dot(const X* x, const W* w, int n, const Multiply& multiply) {
  constexpr int kLanes = 16;
  Sum lanes[kLanes] = {};
  int j = 0;
  for (; j + kLanes <= n; j += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += multiply(x[j + lane], w[j + lane]);
  }
  for (int lane = 0; j < n; ++j, ++lane) lanes[lane] += multiply(x[j], w[j]);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

float decide(const FffArgs& a, int row, const void* w, const FffNode& node) {
  const std::int64_t at = row * a.x_stride;
  if (a.decision_type == DType::f32) {
    return dot<float>(static_cast<const float*>(a.x) + at, static_cast<const float*>(w), a.cols,
                      [](float x, float y) { return x * y; }) +
           node.bias;
  }
  if (a.decision_type == DType::bf16) {
    return dot<float>(static_cast<const Bf16*>(a.x) + at, static_cast<const Bf16*>(w), a.cols,
                      [](Bf16 x, Bf16 y) { return float_of(x) * float_of(y); }) +
           node.bias;
  }
  const std::int32_t sum = dot<std::int32_t>(static_cast<const std::uint8_t*>(a.x) + at,
                                             static_cast<const std::int8_t*>(w), a.cols,
                                             [](std::int32_t x, std::int32_t y) { return x * y; });
  const RowScale x = a.x_scales[row];
  return static_cast<float>(sum - x.zero * static_cast<std::int32_t>(node.in_sum)) *
             (x.scale * node.in_scale) +
         node.bias;
}

// Calls add(j, element) for the elements of a row.
template <typename Add>
void for_each(const void* row, DType type, int n, const Add& add) {
  for (int j = 0; j < n; ++j) {
    add(j, type == DType::f32    ? static_cast<const float*>(row)[j]
           : type == DType::bf16 ? float_of(static_cast<const Bf16*>(row)[j])
                                 : static_cast<float>(static_cast<const std::int8_t*>(row)[j]));
  }
}

void run(const FffArgs& a) {
  const std::int64_t node_bytes = fff_node_bytes(a.cols, a.decision_type, a.out_type);
  const std::int64_t out_at = fff_row_bytes(a.cols, a.decision_type);
  const std::int64_t nodes = fff_nodes(a.depth);
  for (int i = 0; i < a.rows; ++i) {
    float* y = a.y + i * a.y_stride;
    for (int j = 0; j < a.cols; ++j) {
      y[j] = a.residual == nullptr ? 0.0f : a.residual[i * a.residual_stride + j];
    }
    for (int tree = 0; tree < a.trees; ++tree) {
      std::int64_t node = 0;
      for (int level = 0; level <= a.depth; ++level) {
        const std::int64_t index = tree * nodes + node;
        const FffNode& params = a.params[index];
        const char* in = static_cast<const char*>(a.nodes) + index * node_bytes;
        const float z = decide(a, i, in, params);
        const float weight = gelu(z) * params.out_scale;
        for_each(in + out_at, a.out_type, a.cols, [&](int j, float w) { y[j] += weight * w; });
        node = 2 * node + 1 + (z > 0.0f ? 1 : 0);
      }
    }
  }
}

}  // namespace

void fff_f32(const FffArgs& a) noexcept { run(a); }
void fff_bf16(const FffArgs& a) noexcept { run(a); }
void fff_int8(const FffArgs& a) noexcept { run(a); }

}  // namespace sapwood::kernels::scalar
