// The packed product of bf16 weights and activations; the body is simd/linear.h.
#include "bf16_dot.h"
#include "simd/linear.h"

namespace sapwood::kernels::KERNEL_ISA {

void linear_bf16(const LinearArgs& args) noexcept { multiply<Bf16Dot>(args, DType::bf16); }

}  // namespace sapwood::kernels::KERNEL_ISA
