#include "weights/computed.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace sapwood {
namespace {

// Vaswani et al., section 3.5, as the reference computes it (embeddings.py of pbelcak/UltraFastBERT): in single precision.
void fill_sinusoidal(std::int64_t positions, std::int64_t cols, float scale, float* out) {
  for (std::int64_t p = 0; p < positions; ++p) {
    for (std::int64_t j = 0; j < cols; ++j) {
      const auto even = static_cast<float>(j - j % 2);
      const float frequency = std::exp(even * (-std::log(10000.0f) / static_cast<float>(cols)));
      const float angle = static_cast<float>(p) * frequency;
      out[p * cols + j] = scale * (j % 2 == 0 ? std::sin(angle) : std::cos(angle));
    }
  }
}

// The angles are rounded to single precision, as in transformers (compute_default_rope_parameters): at position 8,191 the
// rounding shows in the fourth digit, and models were trained with it.
void fill_rotary(std::int64_t positions, std::int64_t dim, double base, float* out) {
  const std::int64_t half = dim / 2;
  for (std::int64_t d = 0; d < half; ++d) {
    const double exponent = static_cast<double>(2 * d) / static_cast<double>(dim);
    const float frequency = 1.0f / static_cast<float>(std::pow(base, exponent));
    for (std::int64_t p = 0; p < positions; ++p) {
      const double angle = static_cast<float>(p) * frequency;
      out[p * dim + d] = static_cast<float>(std::cos(angle));
      out[p * dim + half + d] = static_cast<float>(std::sin(angle));
    }
  }
}

// T5's buckets (arXiv 1910.10683, section 2.1) as relative_position_bucket of transformers' modeling_mpnet.py has them: half
// of them for keys behind the query; of each half the first are distances, the others steps of the logarithm up to 128.
int relative_bucket(int distance, int buckets) {
  constexpr float kFarthest = 128;
  const int half = buckets / 2, exact = half / 2, far = std::abs(distance);
  const int side = distance > 0 ? half : 0;
  if (far < exact) return side + far;
  const float steps = std::log(static_cast<float>(far) / static_cast<float>(exact)) /
                      std::log(kFarthest / static_cast<float>(exact)) *
                      static_cast<float>(half - exact);
  return side + std::min(exact + static_cast<int>(steps), half - 1);
}

// Divided by what the kernel multiplies a score by.
void fill_relative_bias(const ModelConfig& config, const float* buckets, float* out) {
  const std::int64_t distances = kernels::attention_distances(config.max_positions);
  const float scale = attention_scale(config.head_dim());
  for (std::int64_t i = 0; i < distances; ++i) {
    const int distance = static_cast<int>(i) - (config.max_positions - 1);
    const int bucket = relative_bucket(distance, config.relative_buckets);
    for (int head = 0; head < config.heads; ++head) {
      out[head * distances + i] = buckets[bucket * config.heads + head] / scale;
    }
  }
}

}  // namespace

void fill_computed(const PackedSpec& spec, const ModelConfig& config, const float* source,
                   float* out) {
  switch (spec.computed) {
    case Computed::no:
      return;
    case Computed::sinusoidal:
      return fill_sinusoidal(spec.shape[0], spec.shape[1], source == nullptr ? 1.0f : source[0],
                             out);
    case Computed::rotary:
      return fill_rotary(spec.shape[0], spec.shape[1], spec.rotary_base, out);
    case Computed::relative_bias:
      return fill_relative_bias(config, source, out);
  }
}

}  // namespace sapwood
