#include "simd/f32_dot.h"
#include "simd/fff.h"

namespace sapwood::kernels::KERNEL_ISA {

void fff_f32(const FffArgs& args) noexcept { run_fff<F32Dot>(args); }

}  // namespace sapwood::kernels::KERNEL_ISA
