// Products of u8 and s8 without VNNI, exact. (See simd/f32_dot.h for what a dot type is.)
//
// VPMADDUBSW adds two products u8 * s8 in 16 bits and saturates: 2 * 255 * 127 would not fit. So x
// is taken as s8 = u8 - 128, and |s8| * (w with the sign of s8) stays within 2 * 128 * 127 = 32512.
#pragma once

#include "arch.h"

namespace sapwood::kernels {
namespace {

struct Int8Dot {
  using Sum = Raw;
  struct X {
    Raw value, magnitude;
  };
  static constexpr int kOffset = 128;
  static constexpr bool kIntegers = true;
  static Sum zero() { return _mm256_setzero_si256(); }
  static X prepare(Raw x) {
    const Raw value = _mm256_xor_si256(x, _mm256_set1_epi8(-128));
    return {value, _mm256_abs_epi8(value)};  // |-128| is 128 as u8
  }
  static Sum add(Sum sum, const X& x, Raw w) {
    const Raw pairs = _mm256_maddubs_epi16(x.magnitude, _mm256_sign_epi8(w, x.value));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
};

}  // namespace
}  // namespace sapwood::kernels
