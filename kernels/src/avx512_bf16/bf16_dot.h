// Products of bf16 by VDPBF16PS. (See simd/f32_dot.h for what a dot type is.)
#pragma once

#include "arch.h"

namespace sapwood::kernels {
namespace {

struct Bf16Dot {
  using Sum = Reg;
  using X = Raw;
  static constexpr bool kIntegers = false;
  static Sum zero() { return kernels::zero(); }
  static X prepare(Raw x) { return x; }
  static Sum add(Sum sum, X x, Raw w) {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(x), reinterpret_cast<__m512bh>(w));
  }
};

}  // namespace
}  // namespace sapwood::kernels
