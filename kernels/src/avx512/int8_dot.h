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
    Raw magnitude;
    __mmask64 negative;
  };
  static constexpr int kOffset = 128;
  static constexpr bool kIntegers = true;
  static Sum zero() { return _mm512_setzero_si512(); }
  static X prepare(Raw x) {
    const Raw value = _mm512_xor_si512(x, _mm512_set1_epi8(-128));
    return {_mm512_abs_epi8(value), _mm512_movepi8_mask(value)};  // |-128| is 128 as u8
  }
  static Sum add(Sum sum, const X& x, Raw w) {
    const Raw signed_w = _mm512_mask_sub_epi8(w, x.negative, _mm512_setzero_si512(), w);
    const Raw pairs = _mm512_maddubs_epi16(x.magnitude, signed_w);
    return _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
  }
  // The same of u8 as they are, of which two products would not fit: 2 (x / 2) and the rest apart.
  static Sum add_bytes(Sum sum, Raw x, Raw w) {
    const Raw ones = _mm512_set1_epi8(1);
    const Raw half = _mm512_and_si512(_mm512_srli_epi16(x, 1), _mm512_set1_epi8(127));
    const Raw halves = _mm512_maddubs_epi16(half, w);
    const Raw rest = _mm512_maddubs_epi16(_mm512_and_si512(x, ones), w);
    sum = _mm512_add_epi32(sum, _mm512_madd_epi16(halves, _mm512_set1_epi16(2)));
    return _mm512_add_epi32(sum, _mm512_madd_epi16(rest, _mm512_set1_epi16(1)));
  }
};
using Int8TileDot = Int8Dot;

}  // namespace
}  // namespace sapwood::kernels
