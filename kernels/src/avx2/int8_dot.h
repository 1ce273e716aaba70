// Products of u8 and s8 without VNNI, exact. (See simd/f32_dot.h for what a dot type is.)
//
// VPMADDUBSW adds two products u8 * s8 in 16 bits and saturates: 2 * 255 * 127 would not fit. So x
// is taken as s8 = u8 - 128, and |s8| * (w with the sign of s8) stays within 2 * 128 * 127 = 32512.
#pragma once

#include "simd/tile.h"

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
  // The same of u8 as they are, of which two products would not fit: 2 (x / 2) and the rest apart.
  static Sum add_bytes(Sum sum, Raw x, Raw w) {
    const Raw ones = _mm256_set1_epi8(1);
    const Raw half = _mm256_and_si256(_mm256_srli_epi16(x, 1), _mm256_set1_epi8(127));
    const Raw halves = _mm256_maddubs_epi16(half, w);
    const Raw rest = _mm256_maddubs_epi16(_mm256_and_si256(x, ones), w);
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(halves, _mm256_set1_epi16(2)));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(rest, _mm256_set1_epi16(1)));
  }
};

// For rows of x that many w share. VPSIGNB waits for the units that multiply, so the sign is an
// exclusive or, which any unit does: -w is ~w + 1, and what the 1s leave out, |s8| of each negative
// s8, does not depend on w. Magnitudes and signs of a block of rows are made ready once.
struct Int8TileDot {
  using Sum = Raw;
  struct X {
    Raw magnitude, sign;
  };
  static constexpr int kOffset = Int8Dot::kOffset;
  static constexpr bool kIntegers = true;
  static constexpr int kTileRegs = 4;  // fewer X for each w
  static Sum zero() { return Int8Dot::zero(); }
  static X load_x(const std::byte* p) { return {broadcast_word(p), broadcast_word(p + 4)}; }
  // Spelled out: 12 sums, x, the ones and the product fill all registers, and g++ 12 would rather
  // keep w in some and sums in memory.
  [[gnu::always_inline]] static Sum add(Sum sum, const X& x, const std::byte* w) {
    const Raw ones = _mm256_set1_epi16(1);
    Raw product;
    asm("vpxor %[w], %[sign], %[product]\n\t"
        "vpmaddubsw %[product], %[magnitude], %[product]\n\t"
        "vpmaddwd %[ones], %[product], %[product]\n\t"
        "vpaddd %[product], %[sum], %[sum]"
        : [sum] "+x"(sum), [product] "=&x"(product)
        : [w] "m"(*reinterpret_cast<const Raw*>(w)), [magnitude] "x"(x.magnitude),
          [sign] "x"(x.sign), [ones] "x"(ones));
    return sum;
  }
  static Sum plus(Sum sum, std::int32_t start) {
    return _mm256_add_epi32(sum, _mm256_set1_epi32(start));
  }
  // Writes magnitude and sign of each of `words` words at x, and returns what their sums lack.
  static std::int32_t prepare_row(const std::byte* x, int words, std::byte* prepared) {
    const Raw zeros = zero();
    Raw sums = zeros;
    int i = 0;
    for (; i + kLanes <= words; i += kLanes) {
      const Raw value = _mm256_xor_si256(load_raw(x + i * 4), _mm256_set1_epi8(-128));
      const Raw magnitude = _mm256_abs_epi8(value), sign = _mm256_cmpgt_epi8(zeros, value);
      const Raw low = _mm256_unpacklo_epi32(magnitude, sign);
      const Raw high = _mm256_unpackhi_epi32(magnitude, sign);
      store_raw(prepared + i * 8, _mm256_permute2x128_si256(low, high, 0x20));
      store_raw(prepared + i * 8 + kRegBytes, _mm256_permute2x128_si256(low, high, 0x31));
      sums = _mm256_add_epi64(sums, _mm256_sad_epu8(_mm256_and_si256(magnitude, sign), zeros));
    }
    const __m128i halves =
        _mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    auto lacking = _mm_cvtsi128_si32(_mm_add_epi64(halves, _mm_unpackhi_epi64(halves, halves)));
    for (; i < words; ++i) {
      for (int j = 0; j < 4; ++j) {
        const int value = static_cast<int>(x[i * 4 + j]) - 128;
        prepared[i * 8 + j] = static_cast<std::byte>(value < 0 ? -value : value);
        prepared[i * 8 + 4 + j] = static_cast<std::byte>(value < 0 ? 255 : 0);
        lacking += value < 0 ? -value : 0;
      }
    }
    return lacking;
  }
};

}  // namespace
}  // namespace sapwood::kernels
