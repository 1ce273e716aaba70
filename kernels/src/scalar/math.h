// Element-wise functions of the scalar table, by the C library.
#pragma once

#include <math.h>

#include "sapwood/kernels/kernels.h"

namespace sapwood::kernels {
namespace {

inline float gelu(float x) {
  // erfc instead of 1 + erf: no cancellation for negative x. -inf would be -inf * 0.
  if (x < -14.0f) return -0.0f;
  return 0.5f * x * erfcf(-0.70710678f * x);
}

inline float gelu_tanh(float x) {
  if (x < -14.0f) return -0.0f;
  return 0.5f * x * (1.0f + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
}

inline float silu(float x) {
  if (x < -104.0f) return -0.0f;  // -inf would be -inf / inf
  return x / (1.0f + expf(-x));
}

inline float quick_gelu(float x) {
  if (x < -62.0f) return -0.0f;
  return x / (1.0f + expf(-1.702f * x));
}

inline float activate(float x, Activation activation) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::gelu:
      return gelu(x);
    case Activation::gelu_tanh:
      return gelu_tanh(x);
    case Activation::relu:
      return x < 0.0f ? 0.0f : x;
    case Activation::tanh:
      return tanhf(x);
    case Activation::silu:
      return silu(x);
    case Activation::quick_gelu:
      return quick_gelu(x);
    case Activation::gelu_10:
      return x > 10.0f ? 10.0f : gelu(x);
  }
  return x;
}

// In place softmax of scale * x over n floats.
inline void softmax_row(float* x, int n, float scale) {
  float largest = -INFINITY;
  for (int j = 0; j < n; ++j) largest = x[j] * scale > largest ? x[j] * scale : largest;
  float sum = 0.0f;
  for (int j = 0; j < n; ++j) {
    x[j] = expf(x[j] * scale - largest);
    sum += x[j];
  }
  const float inverse = 1.0f / sum;
  for (int j = 0; j < n; ++j) x[j] *= inverse;
}

}  // namespace
}  // namespace sapwood::kernels
