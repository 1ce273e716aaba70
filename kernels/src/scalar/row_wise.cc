// The kernels that work row by row or element by element.
#include "isa.h"
#include "sapwood/kernels/bf16.h"
#include "scalar/math.h"
#include "scalar/quantize.h"

namespace sapwood::kernels::scalar {

void layer_norm(const LayerNormArgs& a) noexcept {
  for (int i = 0; i < a.rows; ++i) {
    const std::int64_t first = std::int64_t{i} * a.cols;
    const float* x = a.x + first;
    const float* residual = a.residual == nullptr ? nullptr : a.residual + first;
    // y may alias x or residual and is written last; without a sum the sums are computed again.
    const auto value = [&](int j) { return residual == nullptr ? x[j] : x[j] + residual[j]; };
    float mean = 0.0f, variance = 0.0f;
    if (a.y != nullptr) {
      for (int j = 0; j < a.cols; ++j) mean += value(j);
      mean /= static_cast<float>(a.cols);
      for (int j = 0; j < a.cols; ++j) variance += (value(j) - mean) * (value(j) - mean);
      variance /= static_cast<float>(a.cols);
    }
    const float scale = 1.0f / sqrtf(variance + a.eps);
    for (int j = 0; j < a.cols; ++j) {
      const float s = value(j);
      if (a.sum != nullptr) a.sum[first + j] = s;
      if (a.y == nullptr) continue;
      const float normed = (s - mean) * scale * a.gamma[j];
      a.y[first + j] = a.beta == nullptr ? normed : normed + a.beta[j];
    }
    if (a.q != nullptr) a.scales[i] = quantize_row(a.y + first, a.cols, a.q + i * a.q_stride);
  }
}

void embedding(const EmbeddingArgs& a) noexcept {
  const int per_word = elements_per_word(a.word_type);
  const std::int64_t words = round_up(a.cols, per_word) / per_word;
  for (int i = 0; i < a.rows; ++i) {
    const std::int64_t id = a.ids[i];
    // Element j of the row: in a panel, column id % 16 of the line that its word stands in.
    const auto at = [&](int j) {
      if (!a.word_panels) return id * a.cols + j;
      const std::int64_t line = id / kPanelWidth * words + j / per_word;
      return (line * kPanelWidth + id % kPanelWidth) * per_word + j % per_word;
    };
    const auto word = [&](int j) {
      switch (a.word_type) {
        case DType::f32:
          return static_cast<const float*>(a.word)[at(j)];
        case DType::bf16:
          return float_of(static_cast<const Bf16*>(a.word)[at(j)]);
        case DType::int8:
          return static_cast<float>(static_cast<const std::int8_t*>(a.word)[at(j)]) *
                 a.word_scales[id];
      }
      return 0.0f;
    };
    float* y = a.y + std::int64_t{i} * a.cols;
    for (int j = 0; j < a.cols; ++j) {
      float sum = word(j);
      if (a.position != nullptr) sum += a.position[std::int64_t{a.positions[i]} * a.cols + j];
      if (a.type != nullptr) sum += a.type[std::int64_t{a.types[i]} * a.cols + j];
      y[j] = sum;
    }
  }
}

void rotary(const RotaryArgs& a) noexcept {
  const int half = a.head_dim / 2, hidden = a.heads * a.head_dim;
  for (int i = 0; i < a.rows; ++i) {
    const std::int64_t first = std::int64_t{i} * 3 * hidden;
    const float* x = a.x + first;
    const float* cosines = a.table + std::int64_t{a.positions[i]} * a.head_dim;
    const float* sines = cosines + half;
    const auto put = [&](int j, float value) {
      if (a.y_type == DType::bf16) {
        static_cast<Bf16*>(a.y)[first + j] = bf16_of(value);
      } else {
        static_cast<float*>(a.y)[first + j] = value;
      }
    };
    for (int head = 0; head < 2 * a.heads; ++head) {
      const int at = head * a.head_dim;
      for (int d = 0; d < half; ++d) {
        const float low = x[at + d], high = x[at + half + d];
        put(at + d, low * cosines[d] - high * sines[d]);
        put(at + half + d, high * cosines[d] + low * sines[d]);
      }
    }
    for (int j = 2 * hidden; j < 3 * hidden; ++j) put(j, x[j]);
  }
}

void glu(const GluArgs& a) noexcept {
  for (int i = 0; i < a.rows; ++i) {
    const float* x = a.x + std::int64_t{i} * 2 * a.cols;
    float* y = a.y + std::int64_t{i} * a.cols;
    for (int j = 0; j < a.cols; ++j) y[j] = activate(x[j], a.activation) * x[a.cols + j];
  }
}

void pool(const PoolArgs& a) noexcept {
  for (int j = 0; j < a.cols; ++j) a.y[j] = a.x[j];
  if (a.pooling == Pooling::cls) return;
  for (int i = 1; i < a.rows; ++i) {
    const float* x = a.x + std::int64_t{i} * a.cols;
    for (int j = 0; j < a.cols; ++j) {
      if (a.pooling == Pooling::mean) {
        a.y[j] += x[j];
      } else {
        // A NaN stays, as in the reference.
        a.y[j] = x[j] > a.y[j] || x[j] != x[j] ? x[j] : a.y[j];
      }
    }
  }
  if (a.pooling == Pooling::mean) {
    for (int j = 0; j < a.cols; ++j) a.y[j] /= static_cast<float>(a.rows);
  }
}

}  // namespace sapwood::kernels::scalar
