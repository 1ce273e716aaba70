// The packed product of s8 weights and u8 activations; the body is simd/linear.h.
#include "int8_dot.h"
#include "simd/linear.h"

namespace sapwood::kernels::KERNEL_ISA {

void linear_int8(const LinearArgs& args) noexcept { multiply<Int8TileDot>(args, DType::int8); }

}  // namespace sapwood::kernels::KERNEL_ISA
