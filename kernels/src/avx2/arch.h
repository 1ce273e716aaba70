// AVX2 with FMA: the registers, tile sizes and few operations that the shared bodies in ../simd are
// written over. Everything stands in an anonymous namespace (README.md, "The linker trap").
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <xsimd/xsimd.hpp>

namespace sapwood::kernels {
namespace {

using Vec = xsimd::batch<float, xsimd::fma3<xsimd::avx2>>;  // element-wise arithmetic
using Reg = __m256;                                         // products
constexpr int kLanes = 8;

// Tiles of a product: up to kTileRows rows by kTileRegs registers of columns is 12 accumulators of
// the 16 registers; up to kFlatRows rows may take kFlatRegs registers of columns, for more loads in
// flight.
constexpr int kTileRows = 6;
constexpr int kTileRegs = 2;
constexpr int kFlatRows = 3;
constexpr int kFlatRegs = 4;

// Names differ from xsimd's: argument-dependent lookup would prefer xsimd::store, which wants
// alignment.
inline Reg zero() { return _mm256_setzero_ps(); }
inline Reg broadcast(float value) { return _mm256_set1_ps(value); }
inline Reg load_reg(const float* p) { return _mm256_loadu_ps(p); }
inline void store_reg(float* p, Reg value) { _mm256_storeu_ps(p, value); }
inline Reg add(Reg a, Reg b) { return _mm256_add_ps(a, b); }
inline Reg mul(Reg a, Reg b) { return _mm256_mul_ps(a, b); }
inline Reg fma(Reg a, Reg b, Reg c) { return _mm256_fmadd_ps(a, b, c); }

// a b + c, a b - c and c - a b in one rounding. (xsimd 8's fma multiplies and adds on AVX-512.)
inline Vec mul_add(Vec a, Vec b, Vec c) { return Vec(_mm256_fmadd_ps(a, b, c)); }
inline Vec mul_sub(Vec a, Vec b, Vec c) { return Vec(_mm256_fmsub_ps(a, b, c)); }
inline Vec sub_mul(Vec a, Vec b, Vec c) { return Vec(_mm256_fnmadd_ps(a, b, c)); }

inline __m256i first_mask(int count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

// The first `count` lanes, 0 <= count <= kLanes; memory behind the others is not touched.
inline Reg load_first(const float* p, int count) {
  return _mm256_maskload_ps(p, first_mask(count));
}
inline void store_first(float* p, Reg value, int count) {
  _mm256_maskstore_ps(p, first_mask(count), value);
}
// `value` in the first `count` lanes, `rest` in the others.
inline Reg blend_first(Reg value, Reg rest, int count) {
  return _mm256_blendv_ps(rest, value, _mm256_castsi256_ps(first_mask(count)));
}

// Lanes are added in one fixed order: halves of 4, of 2, of 1.
inline float sum_lanes(Reg value) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(value), _mm256_extractf128_ps(value, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

inline float max_lane(Reg value) {
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(value), _mm256_extractf128_ps(value, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

// rows[i] lane j becomes rows[j] lane i.
inline void transpose(Reg (&rows)[kLanes]) {
  Reg pairs[kLanes], quads[kLanes];
#pragma GCC unroll 4
  for (int i = 0; i < kLanes; i += 2) {
    pairs[i] = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
  }
#pragma GCC unroll 2
  for (int i = 0; i < kLanes; i += 4) {
    quads[i] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
    quads[i + 1] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0xee);
    quads[i + 2] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
    quads[i + 3] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xee);
  }
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    rows[c] = _mm256_permute2f128_ps(quads[c], quads[4 + c], 0x20);
    rows[4 + c] = _mm256_permute2f128_ps(quads[c], quads[4 + c], 0x31);
  }
}

}  // namespace
}  // namespace sapwood::kernels
