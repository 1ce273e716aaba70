// Products of u8 and s8 by VPDPBUSD, exact. (See simd/f32_dot.h for what a dot type is.)
#pragma once

#include "arch.h"

namespace sapwood::kernels {
namespace {

struct Int8Dot {
  using Sum = Raw;
  using X = Raw;
  static constexpr int kOffset = 0;
  static constexpr bool kIntegers = true;
  static Sum zero() { return _mm512_setzero_si512(); }
  static X prepare(Raw x) { return x; }
  static Sum add(Sum sum, X x, Raw w) {
    // g++ 12 copies the intrinsic's sums between registers.
    asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "vm"(w));
    return sum;
  }
  static Sum add_bytes(Sum sum, Raw x, Raw w) { return add(sum, x, w); }
};
using Int8TileDot = Int8Dot;

}  // namespace
}  // namespace sapwood::kernels
