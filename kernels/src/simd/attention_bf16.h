// What attention over bf16 is made of (attention.h).
#pragma once

#include "bf16_dot.h"
#include "simd/attention.h"

namespace sapwood::kernels {

namespace KERNEL_ISA {
// attention_bf16 where there is a bias or a reach.
void local_attention_bf16(const AttentionArgs& args) noexcept;
}  // namespace KERNEL_ISA

namespace {

struct Halves {
  using Dot = Bf16Dot;
  static constexpr int kPerWord = 2;
  static Reg load_words(const std::byte* p, int count) {
    return load_first(reinterpret_cast<const float*>(p), count);
  }
  // The columns of two tokens, interleaved.
  static Reg value_line(const std::byte* row, const std::byte* next, int count) {
    const Raw even = load_u16(row, count);
    const Raw odd = next == nullptr ? _mm512_setzero_si512() : load_u16(next, count);
    return as_floats(_mm512_or_si512(even, _mm512_slli_epi32(odd, 16)));
  }
  static constexpr float kLogOfBase = 1.44269504f;
  // Within 2.7e-6 of 2^x, less than a 700th of what rounding it to bf16 may cost; 0 below -126, where results would leave
  // the normal numbers. The polynomial is fitted for least relative error on [-1/2, 1/2].
  static Vec power_nonpositive(Vec x) {
    const __mmask16 kept = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-126.0f), _CMP_NLT_UQ);
    const Vec rounded = x + Vec(kRound), f = x - (rounded - Vec(kRound));
    Vec p(9.570102207362652e-3f);
    p = mul_add(p, f, Vec(5.591785907745361e-2f));
    p = mul_add(p, f, Vec(2.40247443318367e-1f));
    p = mul_add(p, f, Vec(6.931217908859253e-1f));
    p = mul_add(p, f, Vec(9.999992847442627e-1f));
    const Raw exponent = _mm512_slli_epi32(_mm512_castps_si512(rounded), 23);
    return Vec(as_floats(_mm512_maskz_add_epi32(kept, _mm512_castps_si512(p), exponent)));
  }
  static void store_weights(std::byte* p, Reg e) {
    const auto halves = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(e));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), halves);
  }

 private:
  static Raw load_u16(const std::byte* p, int count) {
    return _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(first_mask(count), p));
  }
};

}  // namespace
}  // namespace sapwood::kernels
