// Attention over bf16, where the processor multiplies them; the body is simd/attention.h.
#include "simd/attention_bf16.h"

namespace sapwood::kernels::KERNEL_ISA {

void attention_bf16(const AttentionArgs& args) noexcept {
  if (!is_plain(args)) return local_attention_bf16(args);
  attend_heads<Halves, true>(args);
}

}  // namespace sapwood::kernels::KERNEL_ISA
