// Attention over bf16, where the processor multiplies them, with a bias or a reach; the body is simd/attention.h.
#include "simd/attention_bf16.h"

namespace sapwood::kernels::KERNEL_ISA {

void local_attention_bf16(const AttentionArgs& args) noexcept { attend_heads<Halves, false>(args); }

}  // namespace sapwood::kernels::KERNEL_ISA
