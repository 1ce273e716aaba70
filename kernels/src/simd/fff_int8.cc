#include "int8_dot.h"
#include "simd/fff.h"

namespace sapwood::kernels::KERNEL_ISA {

void fff_int8(const FffArgs& args) noexcept { run_fff<Int8Dot>(args); }

}  // namespace sapwood::kernels::KERNEL_ISA
