// Attention over floats; the body is simd/attention.h.
#include "simd/attention_f32.h"

namespace sapwood::kernels::KERNEL_ISA {

void attention_f32(const AttentionArgs& args) noexcept {
  if (!is_plain(args)) return local_attention_f32(args);
  attend_heads<Floats, true>(args);
}

}  // namespace sapwood::kernels::KERNEL_ISA
