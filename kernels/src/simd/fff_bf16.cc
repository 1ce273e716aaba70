#include "bf16_dot.h"
#include "simd/fff.h"

namespace sapwood::kernels::KERNEL_ISA {

void fff_bf16(const FffArgs& args) noexcept { run_fff<Bf16Dot>(args); }

}  // namespace sapwood::kernels::KERNEL_ISA
