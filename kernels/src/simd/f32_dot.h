// Products of floats, word by word.
//
// A dot type (F32Dot, Bf16Dot, Int8Dot) adds products of activations x and weights w that share a
// lane's 32-bit word to that lane's sum: one product for f32, two for bf16, four for int8. Each has
//   Sum                  a register of sums
//   X                    a register of activations, made ready once by prepare()
//   add(sum, x, w)       sum + the products of each lane
//   kIntegers            whether sums are integers, to be scaled
//   kTileRegs            (where it is not the instruction set's) registers of columns in a tile
//   prepare_row(...)     (where x is read in another form, by load_x()) makes that form of a row,
//   and
//                        returns what the sums of the row start from
//   add_bytes (Int8Dot)  add() for activations that are u8 as they are, without kOffset
//   kOffset (Int8Dot)    what is subtracted from each u8 activation: the caller adds kOffset *
//   sum(w)
#pragma once

#include "arch.h"

namespace sapwood::kernels {
namespace {

struct F32Dot {
  using Sum = Reg;
  using X = Reg;
  static constexpr bool kIntegers = false;
  static Sum zero() { return kernels::zero(); }
  static X prepare(Raw x) { return as_floats(x); }
  static Sum add(Sum sum, X x, Raw w) { return fma(x, as_floats(w), sum); }
};

}  // namespace
}  // namespace sapwood::kernels
