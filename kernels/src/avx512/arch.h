// AVX-512 (F, CD, BW, DQ, VL): the registers, tile sizes and few operations that the shared bodies
// in
// ../simd are written over. Everything stands in an anonymous namespace (README.md, "The linker
// trap").
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <xsimd/xsimd.hpp>

namespace sapwood::kernels {
namespace {

using Vec = xsimd::batch<float, xsimd::avx512bw>;  // element-wise arithmetic
using Reg = __m512;                                // products
constexpr int kLanes = 16;

// Tiles of a product: up to kTileRows rows by kTileRegs registers of columns is 24 accumulators of
// the 32 registers; up to kFlatRows rows may take kFlatRegs registers of columns, for more loads in
// flight.
constexpr int kTileRows = 8;
constexpr int kTileRegs = 3;
constexpr int kFlatRows = 4;
constexpr int kFlatRegs = 6;

// Names differ from xsimd's: argument-dependent lookup would prefer xsimd::store, which wants
// alignment.
inline Reg zero() { return _mm512_setzero_ps(); }
inline Reg broadcast(float value) { return _mm512_set1_ps(value); }
inline Reg load_reg(const float* p) { return _mm512_loadu_ps(p); }
inline void store_reg(float* p, Reg value) { _mm512_storeu_ps(p, value); }
inline Reg add(Reg a, Reg b) { return _mm512_add_ps(a, b); }
inline Reg mul(Reg a, Reg b) { return _mm512_mul_ps(a, b); }
inline Reg fma(Reg a, Reg b, Reg c) { return _mm512_fmadd_ps(a, b, c); }

// a b + c, a b - c and c - a b in one rounding. (xsimd 8's fma multiplies and adds on AVX-512.)
inline Vec mul_add(Vec a, Vec b, Vec c) { return Vec(_mm512_fmadd_ps(a, b, c)); }
inline Vec mul_sub(Vec a, Vec b, Vec c) { return Vec(_mm512_fmsub_ps(a, b, c)); }
inline Vec sub_mul(Vec a, Vec b, Vec c) { return Vec(_mm512_fnmadd_ps(a, b, c)); }

inline __mmask16 first_mask(int count) { return static_cast<__mmask16>((1u << count) - 1u); }

// The first `count` lanes, 0 <= count <= kLanes; memory behind the others is not touched.
inline Reg load_first(const float* p, int count) {
  return _mm512_maskz_loadu_ps(first_mask(count), p);
}
inline void store_first(float* p, Reg value, int count) {
  _mm512_mask_storeu_ps(p, first_mask(count), value);
}
// `value` in the first `count` lanes, `rest` in the others.
inline Reg blend_first(Reg value, Reg rest, int count) {
  return _mm512_mask_blend_ps(first_mask(count), rest, value);
}

// Lanes are added in one fixed order: halves of 8, of 4, of 2, of 1.
inline float sum_lanes(Reg value) {
  const __m256 eight =
      _mm256_add_ps(_mm512_castps512_ps256(value), _mm512_extractf32x8_ps(value, 1));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

inline float max_lane(Reg value) { return _mm512_reduce_max_ps(value); }

// rows[i] lane j becomes rows[j] lane i.
inline void transpose(Reg (&rows)[kLanes]) {
  Reg pairs[kLanes], quads[kLanes];
#pragma GCC unroll 8
  for (int i = 0; i < kLanes; i += 2) {
    pairs[i] = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < kLanes; i += 4) {
    quads[i] = _mm512_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
    quads[i + 1] = _mm512_shuffle_ps(pairs[i], pairs[i + 2], 0xee);
    quads[i + 2] = _mm512_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
    quads[i + 3] = _mm512_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xee);
  }
  // quads[4 g + c] holds, in its 128-bit part p, column 4 p + c of the rows 4 g .. 4 g + 3.
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    const Reg low01 = _mm512_shuffle_f32x4(quads[c], quads[4 + c], 0x88);
    const Reg high01 = _mm512_shuffle_f32x4(quads[c], quads[4 + c], 0xdd);
    const Reg low23 = _mm512_shuffle_f32x4(quads[8 + c], quads[12 + c], 0x88);
    const Reg high23 = _mm512_shuffle_f32x4(quads[8 + c], quads[12 + c], 0xdd);
    rows[c] = _mm512_shuffle_f32x4(low01, low23, 0x88);
    rows[8 + c] = _mm512_shuffle_f32x4(low01, low23, 0xdd);
    rows[4 + c] = _mm512_shuffle_f32x4(high01, high23, 0x88);
    rows[12 + c] = _mm512_shuffle_f32x4(high01, high23, 0xdd);
  }
}

}  // namespace
}  // namespace sapwood::kernels
