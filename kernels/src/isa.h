// The kernels of the instruction set being compiled, as its table names them.
//
// KERNEL_ISA is set by CMake to one of: scalar, avx2, avx512. It names the namespace, so that
// equally named kernels of two instruction sets are different symbols. Whatever else a kernel file
// defines stands in an anonymous namespace (README.md, "The linker trap").
#pragma once

#include "sapwood/kernels/kernels.h"

#ifndef KERNEL_ISA
#error \
    "KERNEL_ISA must name the instruction set; kernel files are compiled by kernels/CMakeLists.txt"
#endif

namespace sapwood::kernels::KERNEL_ISA {

void linear(const LinearArgs& args) noexcept;
void layer_norm(const LayerNormArgs& args) noexcept;
void embedding(const EmbeddingArgs& args) noexcept;
void attention(const AttentionArgs& args) noexcept;
void softmax(const SoftmaxArgs& args) noexcept;
void gelu_glu(const GeluGluArgs& args) noexcept;
void pool(const PoolArgs& args) noexcept;
void fff(const FffArgs& args) noexcept;

}  // namespace sapwood::kernels::KERNEL_ISA
