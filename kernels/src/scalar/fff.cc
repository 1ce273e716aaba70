#include "isa.h"
#include "quantized.h"
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

// A row's visit: the weight of the node's output row, and that row.
struct Visit {
  float weight;
  const char* row;
};

// Walks a tree from the root down; gelu as the type of the output wants it.
template <typename Gelu>
int walk(const FffArgs& a, int row, int tree, const Gelu& gelu_of, Visit* visits) {
  const std::int64_t node_bytes = fff_node_bytes(a.cols, a.decision_type, a.out_type);
  const std::int64_t out_at = fff_row_bytes(a.cols, a.decision_type);
  std::int64_t node = 0;
  for (int level = 0; level <= a.depth; ++level) {
    const std::int64_t index = tree * fff_nodes(a.depth) + node;
    const FffNode& params = a.params[index];
    const char* in = static_cast<const char*>(a.nodes) + index * node_bytes;
    const float z = decide(a, row, in, params);
    visits[level] = {gelu_of(z) * params.out_scale, in + out_at};
    node = 2 * node + 1 + (z > 0.0f ? 1 : 0);
  }
  return a.depth + 1;
}

void add_floats(const FffArgs& a, const Visit* visits, int count, float* y) {
  for (int i = 0; i < count; ++i) {
    const auto* floats = reinterpret_cast<const float*>(visits[i].row);
    const auto* halves = reinterpret_cast<const Bf16*>(visits[i].row);
    for (int j = 0; j < a.cols; ++j) {
      y[j] += visits[i].weight * (a.out_type == DType::f32 ? floats[j] : float_of(halves[j]));
    }
  }
}

void add_integers(const FffArgs& a, const Visit* visits, int count, float* y) {
  constexpr float kLargest = 255.0f;
  float largest = 0.0f, poison = 0.0f;
  for (int i = 0; i < count; ++i) {
    largest = fmaxf(largest, fabsf(visits[i].weight));
    poison += visits[i].weight * 0.0f;
  }
  const float range = largest + poison;  // NaN where a weight is not finite
  const bool counts = range >= kLeastRange;
  std::int32_t q[kMostFffVisits];
  for (int i = 0; i < count; ++i) {
    q[i] = counts ? nearest(visits[i].weight * (kLargest / range)) : 0;
  }
  for (int j = 0; j < a.cols; ++j) {
    std::int32_t sum = 0;
    for (int i = 0; i < count; ++i) {
      sum += q[i] * reinterpret_cast<const std::int8_t*>(visits[i].row)[j];
    }
    y[j] = fmaf(static_cast<float>(sum), range / kLargest, y[j]);
  }
}

void run(const FffArgs& a) {
  Visit visits[kMostFffVisits];
  const bool integers = a.out_type == DType::int8;
  const int together = fff_trees_together(a.depth);
  for (int i = 0; i < a.rows; ++i) {
    float* y = a.y + i * a.y_stride;
    for (int j = 0; j < a.cols; ++j) {
      y[j] = a.residual == nullptr ? 0.0f : a.residual[i * a.residual_stride + j];
    }
    for (int tree = 0; tree < a.trees; tree += together) {
      int count = 0;
      for (int t = tree; t < a.trees && t < tree + together; ++t) {
        Visit* const next = visits + count;
        count += integers ? walk(a, i, t, vector_gelu, next)
                          : walk(
                                a, i, t, [](float z) { return gelu(z); }, next);
      }
      integers ? add_integers(a, visits, count, y) : add_floats(a, visits, count, y);
    }
  }
}

}  // namespace

void fff_f32(const FffArgs& a) noexcept { run(a); }
void fff_bf16(const FffArgs& a) noexcept { run(a); }
void fff_int8(const FffArgs& a) noexcept { run(a); }

}  // namespace sapwood::kernels::scalar
