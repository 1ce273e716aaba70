// Products of bf16 by widening to float, where the processor has no bf16 products: the even element
// of each word, then the odd one. (See f32_dot.h for what a dot type is.)
#pragma once

#include "arch.h"

namespace sapwood::kernels {
namespace {

struct Bf16Dot {
  using Sum = Reg;
  struct X {
    Reg even, odd;
  };
  static constexpr bool kIntegers = false;
  static constexpr bool kWidened = true;
  static Sum zero() { return kernels::zero(); }
  static X prepare(Raw x) { return {even_bf16(x), odd_bf16(x)}; }
  static Sum add(Sum sum, const X& x, Raw w) {
    return fma(x.odd, odd_bf16(w), fma(x.even, even_bf16(w), sum));
  }
};

}  // namespace
}  // namespace sapwood::kernels
