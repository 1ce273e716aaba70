// The packed product of bf16 weights and activations; the body is simd/linear.h, and where bf16 is
// widened and rows are many simd/linear_widened.h.
#include "bf16_dot.h"
#include "simd/linear_widened.h"

namespace sapwood::kernels::KERNEL_ISA {

void linear_bf16(const LinearArgs& args) noexcept { multiply_bf16<Bf16TileDot>(args); }

}  // namespace sapwood::kernels::KERNEL_ISA
