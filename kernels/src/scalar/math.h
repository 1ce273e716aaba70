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

// gelu by the operations of the vectors (simd/math.h, which says how it works): the same bits.
inline float vector_gelu(float x) {
  constexpr float kRound = 12582912.0f;
  constexpr float kP[] = {2.6407398934225057e-8f, -7.983450132087455e-7f, 1.0279719390382525e-5f,
                          -7.197524246294051e-5f, 2.6199419517070055e-4f, 4.211422128719278e-5f,
                          -7.005747873336077e-3f, 5.2486538887023926e-2f, 4.5920392870903015e-1f,
                          1.1511064767837524f};
  constexpr float kQ[] = {1.326472731307149e-3f,  9.671512991189957e-3f, 5.550733581185341e-2f,
                          2.4022242426872253e-1f, 6.931470036506653e-1f, 1.0f};
  const float a = fabsf(x) < 9.0f ? fabsf(x) : 9.0f;
  float p = 0.0f, q = 0.0f;
  for (const float coefficient : kP) p = fmaf(p, a, coefficient);
  const float exponent = fmaf(-p, a, -1.0f);
  const float rounded = exponent + kRound;
  const float f = exponent - (rounded - kRound);
  for (const float coefficient : kQ) q = fmaf(q, f, coefficient);
  const auto power = __builtin_bit_cast(std::uint32_t, q);
  const auto shifted = __builtin_bit_cast(std::uint32_t, rounded) << 23;
  const float tail = __builtin_bit_cast(float, power + shifted);
  return fmaf(-a, tail, 0.0f > x ? 0.0f : x);
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
