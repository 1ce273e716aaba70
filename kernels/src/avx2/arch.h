// AVX2 with FMA: the registers, tile sizes and few operations that the shared bodies in ../simd are
// written over. Everything stands in an anonymous namespace (README.md, "The linker trap").
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <xsimd/xsimd.hpp>

namespace sapwood::kernels {
namespace {

using Vec = xsimd::batch<float, xsimd::fma3<xsimd::avx2>>;  // element-wise arithmetic
using Reg = __m256;                                         // products
constexpr int kLanes = 8;

// Tiles of a product are kAccumulators registers of the 16: up to kTileRows rows by kTileRegs
// registers of columns, or fewer rows by up to kFlatRegs, for more loads in flight.
constexpr int kAccumulators = 12;
constexpr int kTileRows = 6;
constexpr int kWidenedRows = 4;  // of a tile of bf16 that is widened
constexpr int kTileRegs = 2;
constexpr int kFlatRegs = 12;

// CMM: dot products computed together, the partial sums of each; the registers that rows of y are
// summed in, and the most rows that share them.
constexpr int kDots = 4;
constexpr int kDotChains = 2;
constexpr int kOutputRegs = 12;
constexpr int kOutputRows = 2;
// Registers of bytes that int8 output rows are summed in together.
constexpr int kByteRegs = 2;

// Registers of words: what products of every type read (DType).
using Raw = __m256i;
inline Raw load_raw(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
inline void store_raw(void* p, Raw words) { _mm256_storeu_si256(static_cast<__m256i*>(p), words); }
// The word at p in every lane.
inline Raw broadcast_word(const std::byte* p) {
  std::int32_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return _mm256_set1_epi32(word);
}

inline Reg as_floats(Reg words) { return words; }
inline Reg as_floats(Raw words) { return _mm256_castsi256_ps(words); }
inline void from_floats(Reg bits, Reg& words) { words = bits; }
inline void from_floats(Reg bits, Raw& words) { words = _mm256_castps_si256(bits); }
// The even and the odd bf16 of each word, as floats.
inline Reg even_bf16(Raw words) { return as_floats(_mm256_slli_epi32(words, 16)); }
inline Reg odd_bf16(Raw words) {
  return as_floats(_mm256_and_si256(words, _mm256_set1_epi32(static_cast<int>(0xffff0000u))));
}

// Names differ from xsimd's: argument-dependent lookup would prefer xsimd::store, which wants
// alignment.
inline Reg zero() { return _mm256_setzero_ps(); }
inline Reg broadcast(float value) { return _mm256_set1_ps(value); }
inline Reg load_reg(const float* p) { return _mm256_loadu_ps(p); }
inline void store_reg(float* p, Reg value) { _mm256_storeu_ps(p, value); }
// Past the caches; p is aligned to the register.
inline void stream_reg(float* p, Reg value) { _mm256_stream_ps(p, value); }
inline Reg add(Reg a, Reg b) { return _mm256_add_ps(a, b); }
inline Raw add(Raw a, Raw b) { return _mm256_add_epi32(a, b); }
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

// The first `count` lanes rounded to bf16, to nearest even.
inline void store_bf16(std::uint16_t* p, Reg value, int count) {
  const __m256i bits = _mm256_castps_si256(value);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x00400000));  // stays a NaN
  const __m256 nan = _mm256_cmp_ps(value, value, _CMP_UNORD_Q);
  const __m256i kept = _mm256_blendv_epi8(rounded, quiet, _mm256_castps_si256(nan));
  const __m256i high = _mm256_srli_epi32(kept, 16);
  const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(high, high), 0x08);
  const __m128i halves = _mm256_castsi256_si128(packed);
  if (count >= kLanes) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), halves);
    return;
  }
  std::uint16_t lanes[kLanes];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(lanes), halves);
  for (int i = 0; i < count; ++i) p[i] = lanes[i];
}

// The first `count` lanes rounded to integers, plus `zero`, clamped to 0..255. NaN becomes 0.
inline void store_u8(std::uint8_t* p, Reg value, std::int32_t zero, int count) {
  const Raw integers = _mm256_add_epi32(_mm256_cvtps_epi32(value), _mm256_set1_epi32(zero));
  const __m128i words =
      _mm_packs_epi32(_mm256_castsi256_si128(integers), _mm256_extracti128_si256(integers, 1));
  const std::int64_t bytes = _mm_cvtsi128_si64(_mm_packus_epi16(words, words));
  __builtin_memcpy(p, &bytes, static_cast<std::size_t>(count));
}

// Four registers one behind the other, likewise.
inline void store_u8(std::uint8_t* p, const Reg (&values)[4], std::int32_t zero) {
  const auto pair = [&](Reg a, Reg b) {
    const Raw words = _mm256_packs_epi32(_mm256_cvtps_epi32(a), _mm256_cvtps_epi32(b));
    return _mm256_adds_epi16(words, _mm256_set1_epi16(static_cast<std::int16_t>(zero)));
  };
  const Raw bytes = _mm256_packus_epi16(pair(values[0], values[1]), pair(values[2], values[3]));
  const Raw order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  store_raw(p, _mm256_permutevar8x32_epi32(bytes, order));
}

// The first `count` bf16 or s8 as floats; memory behind them is not touched.
inline Reg load_bf16(const std::uint16_t* p, int count) {
  __m128i halves = _mm_setzero_si128();
  __builtin_memcpy(&halves, p, static_cast<std::size_t>(count) * 2);
  return as_floats(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
}
inline Reg load_s8(const std::int8_t* p, int count) {
  std::int64_t bytes = 0;
  __builtin_memcpy(&bytes, p, static_cast<std::size_t>(count));
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_cvtsi64_si128(bytes)));
}
// The first `count` words; memory behind the others is not touched.
inline Raw load_raw_first(const void* p, int count) {
  return _mm256_maskload_epi32(static_cast<const int*>(p), first_mask(count));
}
// kLanes elements as floats.
inline Reg widen_bf16(const std::byte* p) {
  const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return as_floats(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
}
inline Reg widen_int8(const std::byte* p) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
}

// Integer sums to floats: float(sum - correction * column_sums).
inline Reg to_floats(Raw sum, std::int32_t correction, const std::int32_t* column_sums) {
  const Raw corrected = _mm256_mullo_epi32(_mm256_set1_epi32(correction), load_raw(column_sums));
  return _mm256_cvtepi32_ps(_mm256_sub_epi32(sum, corrected));
}

inline Reg to_floats(Raw integers) { return _mm256_cvtepi32_ps(integers); }
inline Raw minus(Raw integers) { return _mm256_sub_epi32(_mm256_setzero_si256(), integers); }

// Four rows of kRegBytes bytes, interleaved within blocks of 16: lane 4 b + e of register q holds byte 16 b + 4 q + e
// of each row.
[[gnu::always_inline]] inline void interleave(const std::byte* const (&rows)[4], Raw (&quads)[4]) {
  const Raw a = load_raw(rows[0]), b = load_raw(rows[1]), c = load_raw(rows[2]),
            d = load_raw(rows[3]);
  const Raw low_ab = _mm256_unpacklo_epi8(a, b), high_ab = _mm256_unpackhi_epi8(a, b);
  const Raw low_cd = _mm256_unpacklo_epi8(c, d), high_cd = _mm256_unpackhi_epi8(c, d);
  quads[0] = _mm256_unpacklo_epi16(low_ab, low_cd);
  quads[1] = _mm256_unpackhi_epi16(low_ab, low_cd);
  quads[2] = _mm256_unpacklo_epi16(high_ab, high_cd);
  quads[3] = _mm256_unpackhi_epi16(high_ab, high_cd);
}

// Sums for such lanes to the order of columns.
[[gnu::always_inline]] inline void order_columns(Raw (&sums)[4]) {
  const Raw a = sums[0], b = sums[1], c = sums[2], d = sums[3];
  sums[0] = _mm256_permute2x128_si256(a, b, 0x20);
  sums[1] = _mm256_permute2x128_si256(c, d, 0x20);
  sums[2] = _mm256_permute2x128_si256(a, b, 0x31);
  sums[3] = _mm256_permute2x128_si256(c, d, 0x31);
}

// The positive of kLanes integers below 256, with their pointers: one behind the other. Returns how many there are; writes
// kLanes whatever their number.
inline int pack_positive(Raw integers, const std::byte* const* pointers, const std::byte** to,
                         std::uint8_t* bytes) {
  alignas(32) std::int32_t values[kLanes];
  store_raw(values, integers);
  int count = 0;
  for (int i = 0; i < kLanes; ++i) {
    to[count] = pointers[i];
    bytes[count] = static_cast<std::uint8_t>(values[i]);
    count += values[i] > 0 ? 1 : 0;
  }
  return count;
}

// Nearest integers, to even.
inline Raw to_integers(Reg values) { return _mm256_cvtps_epi32(values); }

// Lanes are added in one fixed order: halves of 4, of 2, of 1.
inline float sum_lanes(Reg value) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(value), _mm256_extractf128_ps(value, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

inline std::int32_t sum_lanes(Raw value) {
  const __m128i four =
      _mm_add_epi32(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1));
  const __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
}

// sums[i] = sum_lanes(values[i]), in the same order of adding: each step adds the halves of two
// registers' sums at once.
template <typename Register, typename Scalar>
inline void sum_each(const Register (&values)[kDots], Scalar* sums) {
  const auto join = [](Register a, Register b, auto low, auto high) {
    const Reg x = as_floats(a), y = as_floats(b);
    Register first, second;
    from_floats(low(x, y), first);
    from_floats(high(x, y), second);
    return add(first, second);
  };
  const auto quads = [&](Register a, Register b) {
    return join(
        a, b, [](Reg x, Reg y) { return _mm256_permute2f128_ps(x, y, 0x20); },
        [](Reg x, Reg y) { return _mm256_permute2f128_ps(x, y, 0x31); });
  };
  const Register pairs = join(
      quads(values[0], values[1]), quads(values[2], values[3]),
      [](Reg x, Reg y) { return _mm256_shuffle_ps(x, y, 0x44); },
      [](Reg x, Reg y) { return _mm256_shuffle_ps(x, y, 0xee); });
  // Lanes 0 and 1 are the halves of sum 0, lanes 2 and 3 of sum 2, 4 and 5 of sum 1, 6 and 7 of sum
  // 3.
  const Register all = join(
      pairs, pairs, [](Reg x, Reg) { return x; },
      [](Reg x, Reg) { return _mm256_permute_ps(x, 0xb1); });
  const __m256i order = _mm256_setr_epi32(0, 4, 2, 6, 0, 4, 2, 6);
  const Reg sorted = _mm256_permutevar8x32_ps(as_floats(all), order);
  _mm_storeu_ps(reinterpret_cast<float*>(sums), _mm256_castps256_ps128(sorted));
}

inline float max_lane(Reg value) {
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(value), _mm256_extractf128_ps(value, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

inline Raw max_signed(Raw a, Raw b) { return _mm256_max_epi32(a, b); }
inline Raw max_unsigned(Raw a, Raw b) { return _mm256_max_epu32(a, b); }
inline std::uint32_t max_signed_lane(Raw value) {
  const __m128i four =
      _mm_max_epi32(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1));
  const __m128i two = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return static_cast<std::uint32_t>(
      _mm_cvtsi128_si32(_mm_max_epi32(two, _mm_shuffle_epi32(two, 0xb1))));
}
inline std::uint32_t max_unsigned_lane(Raw value) {
  const __m128i four =
      _mm_max_epu32(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1));
  const __m128i two = _mm_max_epu32(four, _mm_shuffle_epi32(four, 0x4e));
  return static_cast<std::uint32_t>(
      _mm_cvtsi128_si32(_mm_max_epu32(two, _mm_shuffle_epi32(two, 0xb1))));
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
