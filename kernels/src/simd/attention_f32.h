// What attention over floats is made of (attention.h).
#pragma once

#include "simd/attention.h"
#include "simd/f32_dot.h"

namespace sapwood::kernels {

namespace KERNEL_ISA {
// attention_f32 where there is a bias or a reach.
void local_attention_f32(const AttentionArgs& args) noexcept;
}  // namespace KERNEL_ISA

namespace {

struct Floats {
  using Dot = F32Dot;
  static constexpr int kPerWord = 1;
  static Reg load_words(const std::byte* p, int count) {
    return load_first(reinterpret_cast<const float*>(p), count);
  }
  static Reg value_line(const std::byte* row, const std::byte* /*next*/, int count) {
    return load_words(row, count);
  }
  static constexpr float kLogOfBase = 1.0f;
  static Vec power_nonpositive(Vec x) { return exp_nonpositive(x); }
  static void store_weights(std::byte* p, Reg e) { store_reg(reinterpret_cast<float*>(p), e); }
};

}  // namespace
}  // namespace sapwood::kernels
