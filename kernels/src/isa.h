// The kernels that an instruction set's objects define.
//
// KERNEL_ISA is set by CMake to the instruction set's name. It is the namespace, so that equally
// named kernels of two instruction sets are different symbols. Whatever else a kernel file defines
// stands in an anonymous namespace (README.md, "The linker trap").
//
// An extension (avx2_vnni, avx512_vnni, avx512_bf16) defines only the kernels it makes faster;
// tables.cc says where the others come from.
#pragma once

#include "sapwood/kernels/kernels.h"

#define SAPWOOD_DECLARE_KERNEL(kernel, Args) void kernel(const Args& args) noexcept;
#define SAPWOOD_DECLARE_KERNELS(isa)               \
  namespace sapwood::kernels::isa {                \
  SAPWOOD_KERNELS(SAPWOOD_DECLARE_KERNEL)          \
  SAPWOOD_OPTIONAL_KERNELS(SAPWOOD_DECLARE_KERNEL) \
  }

#ifdef KERNEL_ISA
SAPWOOD_DECLARE_KERNELS(KERNEL_ISA)
#endif
