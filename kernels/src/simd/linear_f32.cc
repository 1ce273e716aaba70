// The packed product of floats; the body is simd/linear.h.
#include "simd/f32_dot.h"
#include "simd/linear.h"

namespace sapwood::kernels::KERNEL_ISA {

void linear_f32(const LinearArgs& args) noexcept { multiply<F32Dot>(args, DType::f32); }

}  // namespace sapwood::kernels::KERNEL_ISA
