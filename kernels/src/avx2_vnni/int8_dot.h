// Products of u8 and s8 by AVX-VNNI's VPDPBUSD, exact. (See simd/f32_dot.h for what a dot type is.)
#pragma once

#include "arch.h"

namespace sapwood::kernels {
namespace {

struct Int8Dot {
  using Sum = Raw;
  using X = Raw;
  static constexpr int kOffset = 0;
  static constexpr bool kIntegers = true;
  static Sum zero() { return _mm256_setzero_si256(); }
  static X prepare(Raw x) { return x; }
  static Sum add(Sum sum, X x, Raw w) { return _mm256_dpbusd_avx_epi32(sum, x, w); }
  static Sum add_bytes(Sum sum, Raw x, Raw w) { return add(sum, x, w); }
};
using Int8TileDot = Int8Dot;

}  // namespace
}  // namespace sapwood::kernels
