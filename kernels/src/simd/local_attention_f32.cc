// Attention over floats, with a bias or a reach; the body is simd/attention.h.
#include "simd/attention_f32.h"

namespace sapwood::kernels::KERNEL_ISA {

void local_attention_f32(const AttentionArgs& args) noexcept { attend_heads<Floats, false>(args); }

}  // namespace sapwood::kernels::KERNEL_ISA
