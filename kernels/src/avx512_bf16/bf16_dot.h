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
    // g++ 12 sends the intrinsic's operands through the stack, and copies its sums.
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(x), "vm"(w));
    return sum;
  }
};
using Bf16TileDot = Bf16Dot;

}  // namespace
}  // namespace sapwood::kernels
