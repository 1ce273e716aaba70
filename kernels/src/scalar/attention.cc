#include "isa.h"
#include "scalar/math.h"

namespace sapwood::kernels::scalar {

void attention_f32(const AttentionArgs& a) noexcept {
  const std::int64_t hidden = std::int64_t{a.heads} * a.head_dim, stride = 3 * hidden;
  float* scores = a.scratch;
  for (int head = a.head_begin; head < a.head_end; ++head) {
    const float* queries = static_cast<const float*>(a.qkv) + std::int64_t{head} * a.head_dim;
    const float* keys = queries + hidden;
    const float* values = keys + hidden;
    const float* bias = a.bias == nullptr ? nullptr : a.bias + head * a.bias_stride;
    for (int i = 0; i < a.length; ++i) {
      const float* query = queries + i * stride;
      const int begin = i > a.reach ? i - a.reach : 0;
      const int end = a.length - i > a.reach ? i + a.reach + 1 : a.length;
      for (int j = begin; j < end; ++j) {
        float sum = bias == nullptr ? 0.0f : bias[j - i];
        for (int d = 0; d < a.head_dim; ++d) sum += query[d] * keys[j * stride + d];
        scores[j] = sum;
      }
      softmax_row(scores + begin, end - begin, a.scale);
      float* out = static_cast<float*>(a.out) + i * hidden + std::int64_t{head} * a.head_dim;
      for (int d = 0; d < a.head_dim; ++d) out[d] = 0.0f;
      for (int j = begin; j < end; ++j) {
        for (int d = 0; d < a.head_dim; ++d) out[d] += scores[j] * values[j * stride + d];
      }
    }
  }
}

}  // namespace sapwood::kernels::scalar
