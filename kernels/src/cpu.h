// What the CPU and the operating system offer, asked once.
#pragma once

namespace sapwood::kernels {

struct CpuFeatures {
  bool avx2;    // AVX2, FMA and F16C, with ymm state saved by the operating system
  bool avx512;  // F, CD, BW, DQ and VL on top, with zmm and mask state saved
};

const CpuFeatures& cpu_features() noexcept;

}  // namespace sapwood::kernels
