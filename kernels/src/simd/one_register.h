// What most dot types have in common (f32_dot.h): a lane is a column, and weights are used as they
// lie in memory.
#pragma once

#include "arch.h"

namespace sapwood::kernels {
namespace {

template <typename Register>
struct OneRegister {
  using Sum = Register;
  using W = Raw;
  static constexpr int kSumRegs = 1;
  static W weights(const std::byte* p) { return load_raw(p); }
  static Register total(Sum sum) { return sum; }
  static Sum resume(Register total) { return total; }
};

}  // namespace
}  // namespace sapwood::kernels
