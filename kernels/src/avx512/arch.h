// AVX-512 (F, CD, BW, DQ, VL): the registers, tile sizes and few operations that the shared bodies
// in ../simd are written over. Everything stands in an anonymous namespace (README.md, "The linker
// trap").
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <xsimd/xsimd.hpp>

namespace sapwood::kernels {
namespace {

using Vec = xsimd::batch<float, xsimd::avx512bw>;  // element-wise arithmetic
using Reg = __m512;                                // products
constexpr int kLanes = 16;

// Tiles of a product are kAccumulators registers of the 32: up to kTileRows rows by kTileRegs
// registers of columns, or fewer rows by up to kFlatRegs, for more loads in flight.
constexpr int kAccumulators = 24;
constexpr int kTileRows = 8;
constexpr int kWidenedRows = 8;  // of a tile of bf16 that is widened
constexpr int kTileRegs = 3;
constexpr int kFlatRegs = 6;

// CMM: dot products computed together, the partial sums of each; the registers that rows of y are
// summed in, and the most rows that share them.
constexpr int kDots = 8;
constexpr int kDotChains = 2;
constexpr int kOutputRegs = 24;
constexpr int kOutputRows = 4;
// Registers of bytes that int8 output rows are summed in together.
constexpr int kByteRegs = 6;

// Registers of words: what products of every type read (DType).
using Raw = __m512i;
inline Raw load_raw(const void* p) { return _mm512_loadu_si512(p); }
inline void store_raw(void* p, Raw words) { _mm512_storeu_si512(p, words); }
// The word at p in every lane.
inline Raw broadcast_word(const std::byte* p) {
  std::int32_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return _mm512_set1_epi32(word);
}

inline Reg as_floats(Reg words) { return words; }
inline Reg as_floats(Raw words) { return _mm512_castsi512_ps(words); }
inline void from_floats(Reg bits, Reg& words) { words = bits; }
inline void from_floats(Reg bits, Raw& words) { words = _mm512_castps_si512(bits); }
// The even and the odd bf16 of each word, as floats.
inline Reg even_bf16(Raw words) { return as_floats(_mm512_slli_epi32(words, 16)); }
inline Reg odd_bf16(Raw words) {
  return as_floats(_mm512_and_si512(words, _mm512_set1_epi32(static_cast<int>(0xffff0000u))));
}

// Names differ from xsimd's: argument-dependent lookup would prefer xsimd::store, which wants
// alignment.
inline Reg zero() { return _mm512_setzero_ps(); }
inline Reg broadcast(float value) { return _mm512_set1_ps(value); }
inline Reg load_reg(const float* p) { return _mm512_loadu_ps(p); }
inline void store_reg(float* p, Reg value) { _mm512_storeu_ps(p, value); }
// Past the caches; p is aligned to the register.
inline void stream_reg(float* p, Reg value) { _mm512_stream_ps(p, value); }
inline Reg add(Reg a, Reg b) { return _mm512_add_ps(a, b); }
inline Raw add(Raw a, Raw b) { return _mm512_add_epi32(a, b); }
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

// The first `count` lanes rounded to bf16, to nearest even.
inline void store_bf16(std::uint16_t* p, Reg value, int count) {
  const __m512i bits = _mm512_castps_si512(value);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __mmask16 nan = _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
  const __m512i kept =
      _mm512_mask_or_epi32(rounded, nan, bits, _mm512_set1_epi32(0x00400000));  // stays a NaN
  const __m256i halves = _mm512_cvtepi32_epi16(_mm512_srli_epi32(kept, 16));
  _mm256_mask_storeu_epi16(p, first_mask(count), halves);
}

// The first `count` lanes rounded to integers, plus `zero`, clamped to 0..255. NaN becomes 0.
inline void store_u8(std::uint8_t* p, Reg value, std::int32_t zero, int count) {
  const Raw integers = _mm512_add_epi32(_mm512_cvtps_epi32(value), _mm512_set1_epi32(zero));
  const Raw positive = _mm512_max_epi32(integers, _mm512_setzero_si512());
  _mm_mask_storeu_epi8(p, first_mask(count), _mm512_cvtusepi32_epi8(positive));
}

// Four registers one behind the other, likewise.
inline void store_u8(std::uint8_t* p, const Reg (&values)[4], std::int32_t zero) {
  const auto pair = [&](Reg a, Reg b) {
    const Raw words = _mm512_packs_epi32(_mm512_cvtps_epi32(a), _mm512_cvtps_epi32(b));
    return _mm512_adds_epi16(words, _mm512_set1_epi16(static_cast<std::int16_t>(zero)));
  };
  const Raw bytes = _mm512_packus_epi16(pair(values[0], values[1]), pair(values[2], values[3]));
  const Raw order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  _mm512_storeu_si512(p, _mm512_permutexvar_epi32(order, bytes));
}

// The first `count` bf16 or s8 as floats; memory behind them is not touched.
inline Reg load_bf16(const std::uint16_t* p, int count) {
  const __m256i halves = _mm256_maskz_loadu_epi16(first_mask(count), p);
  return as_floats(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}
inline Reg load_s8(const std::int8_t* p, int count) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(first_mask(count), p)));
}
// The first `count` words; memory behind the others is not touched.
inline Raw load_raw_first(const void* p, int count) {
  return _mm512_maskz_loadu_epi32(first_mask(count), p);
}
// kLanes elements as floats.
inline Reg widen_bf16(const std::byte* p) {
  const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return as_floats(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}
inline Reg widen_int8(const std::byte* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
}

// Integer sums to floats: float(sum - correction * column_sums).
inline Reg to_floats(Raw sum, std::int32_t correction, const std::int32_t* column_sums) {
  const Raw corrected =
      _mm512_mullo_epi32(_mm512_set1_epi32(correction), _mm512_loadu_si512(column_sums));
  return _mm512_cvtepi32_ps(_mm512_sub_epi32(sum, corrected));
}

inline Reg to_floats(Raw integers) { return _mm512_cvtepi32_ps(integers); }
inline Raw minus(Raw integers) { return _mm512_sub_epi32(_mm512_setzero_si512(), integers); }

// Four rows of kRegBytes bytes, interleaved within blocks of 16: lane 4 b + e of register q holds byte 16 b + 4 q + e
// of each row.
[[gnu::always_inline]] inline void interleave(const std::byte* const (&rows)[4], Raw (&quads)[4]) {
  const Raw a = load_raw(rows[0]), b = load_raw(rows[1]), c = load_raw(rows[2]),
            d = load_raw(rows[3]);
  const Raw low_ab = _mm512_unpacklo_epi8(a, b), high_ab = _mm512_unpackhi_epi8(a, b);
  const Raw low_cd = _mm512_unpacklo_epi8(c, d), high_cd = _mm512_unpackhi_epi8(c, d);
  quads[0] = _mm512_unpacklo_epi16(low_ab, low_cd);
  quads[1] = _mm512_unpackhi_epi16(low_ab, low_cd);
  quads[2] = _mm512_unpacklo_epi16(high_ab, high_cd);
  quads[3] = _mm512_unpackhi_epi16(high_ab, high_cd);
}

// Sums for such lanes to the order of columns.
[[gnu::always_inline]] inline void order_columns(Raw (&sums)[4]) {
  const Raw low01 = _mm512_shuffle_i32x4(sums[0], sums[1], 0x44);
  const Raw high01 = _mm512_shuffle_i32x4(sums[0], sums[1], 0xee);
  const Raw low23 = _mm512_shuffle_i32x4(sums[2], sums[3], 0x44);
  const Raw high23 = _mm512_shuffle_i32x4(sums[2], sums[3], 0xee);
  sums[0] = _mm512_shuffle_i32x4(low01, low23, 0x88);
  sums[1] = _mm512_shuffle_i32x4(low01, low23, 0xdd);
  sums[2] = _mm512_shuffle_i32x4(high01, high23, 0x88);
  sums[3] = _mm512_shuffle_i32x4(high01, high23, 0xdd);
}

// The positive of kLanes integers below 256, with their pointers: one behind the other. Returns how many there are; writes
// kLanes whatever their number.
inline int pack_positive(Raw integers, const std::byte* const* pointers, const std::byte** to,
                         std::uint8_t* bytes) {
  const __mmask16 positive = _mm512_cmpgt_epi32_mask(integers, _mm512_setzero_si512());
  const Raw packed = _mm512_maskz_compress_epi32(positive, integers);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes), _mm512_cvtepi32_epi8(packed));
  const auto low = static_cast<__mmask8>(positive), high = static_cast<__mmask8>(positive >> 8);
  const int low_count = __builtin_popcount(low);
  store_raw(to, _mm512_maskz_compress_epi64(low, load_raw(pointers)));
  store_raw(to + low_count, _mm512_maskz_compress_epi64(high, load_raw(pointers + 8)));
  return low_count + __builtin_popcount(high);
}

// Nearest integers, to even.
inline Raw to_integers(Reg values) { return _mm512_cvtps_epi32(values); }

// Lanes are added in one fixed order: halves of 8, of 4, of 2, of 1.
inline float sum_lanes(Reg value) {
  const __m256 eight =
      _mm256_add_ps(_mm512_castps512_ps256(value), _mm512_extractf32x8_ps(value, 1));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

inline std::int32_t sum_lanes(Raw value) { return _mm512_reduce_add_epi32(value); }

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
  const auto blocks = [&](Register a, Register b) {
    return join(
        a, b, [](Reg x, Reg y) { return _mm512_shuffle_f32x4(x, y, 0x44); },
        [](Reg x, Reg y) { return _mm512_shuffle_f32x4(x, y, 0xee); });
  };
  const auto quads = [&](Register a, Register b) {
    return join(
        a, b, [](Reg x, Reg y) { return _mm512_shuffle_f32x4(x, y, 0x88); },
        [](Reg x, Reg y) { return _mm512_shuffle_f32x4(x, y, 0xdd); });
  };
  const Register front = quads(blocks(values[0], values[1]), blocks(values[2], values[3]));
  const Register back = quads(blocks(values[4], values[5]), blocks(values[6], values[7]));
  const Register pairs = join(
      front, back, [](Reg x, Reg y) { return _mm512_shuffle_ps(x, y, 0x44); },
      [](Reg x, Reg y) { return _mm512_shuffle_ps(x, y, 0xee); });
  // Lanes 4 i and 4 i + 1 are the halves of sum i, lanes 4 i + 2 and 4 i + 3 of sum 4 + i.
  const Register all = join(
      pairs, pairs, [](Reg x, Reg) { return x; },
      [](Reg x, Reg) { return _mm512_permute_ps(x, 0xb1); });
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 2, 6, 10, 14, 0, 4, 8, 12, 2, 6, 10, 14);
  const Reg sorted = _mm512_permutexvar_ps(order, as_floats(all));
  _mm256_storeu_ps(reinterpret_cast<float*>(sums), _mm512_castps512_ps256(sorted));
}

inline float max_lane(Reg value) { return _mm512_reduce_max_ps(value); }
inline Raw max_signed(Raw a, Raw b) { return _mm512_max_epi32(a, b); }
inline Raw max_unsigned(Raw a, Raw b) { return _mm512_max_epu32(a, b); }
inline std::uint32_t max_signed_lane(Raw value) {
  return static_cast<std::uint32_t>(_mm512_reduce_max_epi32(value));
}
inline std::uint32_t max_unsigned_lane(Raw value) { return _mm512_reduce_max_epu32(value); }

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
