// Products of bf16 by widening to float, where the processor has no fast bf16 products: the even element
// of each word, then the odd one. (See f32_dot.h for what a dot type is.)
#pragma once

#include "simd/tile.h"

namespace sapwood::kernels {
namespace {

struct Bf16Dot {
  using Sum = Reg;
  struct X {
    Reg even, odd;
  };
  static constexpr bool kIntegers = false;
  static Sum zero() { return kernels::zero(); }
  static X prepare(Raw x) { return {even_bf16(x), odd_bf16(x)}; }
  static Sum add(Sum sum, const X& x, Raw w) {
    return fma(x.odd, odd_bf16(w), fma(x.even, even_bf16(w), sum));
  }
};

// The same sums where many w meet rows of x: a block's rows are widened once.
struct Bf16TileDot {
  using Sum = Reg;
  using X = Bf16Dot::X;
  static constexpr bool kIntegers = false;
  static constexpr bool kWidened = true;
  static Sum zero() { return kernels::zero(); }
  static X load_x(const std::byte* p) {
    return {as_floats(broadcast_word(p)), as_floats(broadcast_word(p + 4))};
  }
  [[gnu::always_inline]] static Sum add(Sum sum, const X& x, const std::byte* w) {
    return Bf16Dot::add(sum, x, load_raw(w));
  }
  static Sum plus(Sum sum, std::int32_t /*start*/) { return sum; }
  // Writes the two elements of each of `words` words at x as floats.
  static std::int32_t prepare_row(const std::byte* x, int words, std::byte* prepared) {
    float* const to = reinterpret_cast<float*>(prepared);
    const int count = 2 * words;
    int i = 0;
    for (; i + kLanes <= count; i += kLanes) store_reg(to + i, widen_bf16(x + 2 * i));
    if (i < count) {
      const auto* rest = reinterpret_cast<const std::uint16_t*>(x + 2 * i);
      store_first(to + i, load_bf16(rest, count - i), count - i);
    }
    return 0;
  }
};

}  // namespace
}  // namespace sapwood::kernels
