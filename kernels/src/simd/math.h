// Element-wise functions over batches of any architecture: exp, GELU, tanh and the fused
// activations.
//
// Accuracy is stated against exact values and tested in tests/kernels/activation_test.cc.
#pragma once

#include <cstdint>

#include "arch.h"
#include "sapwood/kernels/kernels.h"

namespace sapwood::kernels {
namespace {

using Ints = xsimd::batch<std::int32_t, Vec::arch_type>;

// The first `count` lanes, all where it is larger.
inline void store_up_to(float* p, Reg value, int count) {
  if (count >= kLanes) {
    store_reg(p, value);
  } else if (count > 0) {
    store_first(p, value, count);
  }
}

// Reinterprets bits. xsimd renamed its own between versions 8 and 9.
inline Ints bits_of(Vec x) {
  return Ints(__builtin_bit_cast(Ints::register_type, static_cast<Vec::register_type>(x)));
}
inline Vec from_bits(Ints x) {
  return Vec(__builtin_bit_cast(Vec::register_type, static_cast<Ints::register_type>(x)));
}

// The larger, or x where x is NaN (the instruction returns its second operand then).
inline Vec max_or_nan(Vec bound, Vec x) { return xsimd::max(bound, x); }

// 1.5 * 2^23: adding it rounds a float of magnitude below 2^22 to an integer held in the low bits.
constexpr float kRound = 12582912.0f;

// 2^(n + f) where rounded = kRound + n, |f| <= 1/2 and n in [-126, 127]. The polynomial is 1 + f
// q(f) with q fitted for least relative error of the whole, 9.2e-8.
inline Vec exp2_parts(Vec rounded, Vec f) {
  Vec q(1.326472731307149e-3f);
  q = mul_add(q, f, Vec(9.671512991189957e-3f));
  q = mul_add(q, f, Vec(5.550733581185341e-2f));
  q = mul_add(q, f, Vec(2.4022242426872253e-1f));
  q = mul_add(q, f, Vec(6.931470036506653e-1f));
  const Vec power = mul_add(q, f, Vec(1.0f));
  return from_bits(bits_of(power) + (bits_of(rounded) << 23));
}

// exp(x) for x <= 0, within 2 ulp; 0 below -87.33, where results would leave the normal numbers.
// NaN stays NaN.
inline Vec exp_nonpositive(Vec x) {
  const Vec lowest(-87.33f);
  const Vec clamped = max_or_nan(lowest, x);
  const Vec log2_e(1.4426950216293335f), log2_e_rest(1.925963033500011e-8f);
  const Vec rounded = mul_add(clamped, log2_e, Vec(kRound));
  const Vec n = rounded - Vec(kRound);
  const Vec f = mul_add(clamped, log2_e_rest, mul_sub(clamped, log2_e, n));
  const Vec power = xsimd::select(x < lowest, Vec(0.0f), exp2_parts(rounded, f));
  return mul_add(clamped, Vec(0.0f), power);  // the bit arithmetic above does not keep NaN
}

// gelu(x) = x Phi(x) = max(x, 0) - |x| Q(|x|), Q(a) = erfc(a / sqrt 2) / 2 the upper tail.
//
// 2 Q(a) = 2^(-a p(a)) with p of degree 9 fitted on [0, 9] so that a Q(a) is off by at most 3.3e-9
// and Q by at most 1.3e-7 of itself for a < 3. Beyond 9, a Q(a) < 1e-18 stands for it. No
// cancellation on either side: within 3 ulp for x > -1, absolute error below 4e-8 for all negative
// x.
inline Vec gelu(Vec x) {
  const Vec a = xsimd::min(xsimd::abs(x), Vec(9.0f));
  Vec p(2.6407398934225057e-8f);
  p = mul_add(p, a, Vec(-7.983450132087455e-7f));
  p = mul_add(p, a, Vec(1.0279719390382525e-5f));
  p = mul_add(p, a, Vec(-7.197524246294051e-5f));
  p = mul_add(p, a, Vec(2.6199419517070055e-4f));
  p = mul_add(p, a, Vec(4.211422128719278e-5f));
  p = mul_add(p, a, Vec(-7.005747873336077e-3f));
  p = mul_add(p, a, Vec(5.2486538887023926e-2f));
  p = mul_add(p, a, Vec(4.5920392870903015e-1f));
  p = mul_add(p, a, Vec(1.1511064767837524f));
  const Vec exponent = sub_mul(p, a, Vec(-1.0f));  // log2 of Q, in [-64, -1]
  const Vec rounded = exponent + Vec(kRound);
  const Vec tail = exp2_parts(rounded, exponent - (rounded - Vec(kRound)));
  return sub_mul(a, tail, max_or_nan(Vec(0.0f), x));
}

// x sigmoid(2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3); below -12 the result is a rounded zero.
inline Vec gelu_tanh(Vec x) {
  const Vec clamped = max_or_nan(Vec(-12.0f), x);
  const Vec cubic = mul_add(clamped * clamped, Vec(0.044715f), Vec(1.0f));
  const Vec twice_u = Vec(1.5957691216057308f) * clamped * cubic;
  const Vec e = exp_nonpositive(Vec(0.0f) - xsimd::abs(twice_u));
  const Vec numerator = xsimd::select(twice_u < Vec(0.0f), clamped * e, clamped);
  return numerator / (Vec(1.0f) + e);
}

// x sigmoid(slope x); where slope x is below -87.33 the result is a rounded zero.
inline Vec sigmoid_weighted(Vec x, Vec slope) {
  const Vec clamped = max_or_nan(Vec(-104.0f), x);
  const Vec e = exp_nonpositive(Vec(0.0f) - xsimd::abs(slope * clamped));
  const Vec numerator = xsimd::select(clamped < Vec(0.0f), clamped * e, clamped);
  return numerator / (Vec(1.0f) + e);
}
inline Vec silu(Vec x) { return sigmoid_weighted(x, Vec(1.0f)); }
inline Vec quick_gelu(Vec x) { return sigmoid_weighted(x, Vec(1.702f)); }

// The smaller, or x where x is NaN.
inline Vec gelu_10(Vec x) { return xsimd::min(Vec(10.0f), gelu(x)); }

// tanh: a polynomial where |x| < 0.625 (Cephes), (1 - e) / (1 + e) with e = exp(-2 |x|) elsewhere.
inline Vec tanh_of(Vec x) {
  const Vec a = xsimd::abs(x);
  const Vec square = x * x;
  Vec p(-5.70498872745e-3f);
  p = mul_add(p, square, Vec(2.06390887954e-2f));
  p = mul_add(p, square, Vec(-5.37397155531e-2f));
  p = mul_add(p, square, Vec(1.33314422036e-1f));
  p = mul_add(p, square, Vec(-3.33332819422e-1f));
  const Vec small = mul_add(p * square, x, x);
  const Vec e = exp_nonpositive(Vec(-2.0f) * a);
  const Vec large = (Vec(1.0f) - e) / (Vec(1.0f) + e);
  const Vec signed_large = xsimd::select(x < Vec(0.0f), Vec(0.0f) - large, large);
  return xsimd::select(a < Vec(0.625f), small, signed_large);
}

inline Vec relu(Vec x) { return max_or_nan(Vec(0.0f), x); }

// In place y = f(y) over n floats.
template <typename Function>
inline void apply(float* y, int n, Function f) {
  int j = 0;
  for (; j + kLanes <= n; j += kLanes) store_reg(y + j, f(Vec(load_reg(y + j))));
  if (j < n) store_first(y + j, f(Vec(load_first(y + j, n - j))), n - j);
}

// f(the activation as a function over registers), of one that is not `none`.
template <typename F>
[[gnu::always_inline]] inline void with_activation(Activation activation, const F& f) {
  switch (activation) {
    case Activation::none:
      return;
    case Activation::gelu:
      return f([](Vec x) { return gelu(x); });
    case Activation::gelu_tanh:
      return f([](Vec x) { return gelu_tanh(x); });
    case Activation::relu:
      return f([](Vec x) { return relu(x); });
    case Activation::tanh:
      return f([](Vec x) { return tanh_of(x); });
    case Activation::silu:
      return f([](Vec x) { return silu(x); });
    case Activation::quick_gelu:
      return f([](Vec x) { return quick_gelu(x); });
    case Activation::gelu_10:
      return f([](Vec x) { return gelu_10(x); });
  }
}

// In place activation of n floats.
inline void activate(float* y, int n, Activation activation) {
  with_activation(activation, [&](const auto& function) { apply(y, n, function); });
}

}  // namespace
}  // namespace sapwood::kernels
