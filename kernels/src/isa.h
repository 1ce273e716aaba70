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

#define SAPWOOD_DECLARE_KERNELS(isa)                       \
  namespace sapwood::kernels::isa {                        \
  void linear_f32(const LinearArgs& args) noexcept;        \
  void linear_bf16(const LinearArgs& args) noexcept;       \
  void linear_int8(const LinearArgs& args) noexcept;       \
  void quantize(const QuantizeArgs& args) noexcept;        \
  void to_bf16(const ToBf16Args& args) noexcept;           \
  void layer_norm(const LayerNormArgs& args) noexcept;     \
  void embedding(const EmbeddingArgs& args) noexcept;      \
  void attention_f32(const AttentionArgs& args) noexcept;  \
  void attention_bf16(const AttentionArgs& args) noexcept; \
  void gelu_glu(const GeluGluArgs& args) noexcept;         \
  void pool(const PoolArgs& args) noexcept;                \
  void fff_f32(const FffArgs& args) noexcept;              \
  void fff_bf16(const FffArgs& args) noexcept;             \
  void fff_int8(const FffArgs& args) noexcept;             \
  }

#ifdef KERNEL_ISA
SAPWOOD_DECLARE_KERNELS(KERNEL_ISA)
#endif
