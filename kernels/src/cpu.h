// What the CPU and the operating system offer, asked once.
#pragma once

namespace sapwood::kernels {

struct CpuFeatures {
  bool avx2;         // AVX2, FMA and F16C, with ymm state saved by the operating system
  bool avx512;       // F, CD, BW, DQ and VL on top, with zmm and mask state saved
  bool avx2_vnni;    // AVX2 and AVX-VNNI
  bool avx512_vnni;  // AVX-512 and VNNI
  bool avx512_bf16;  // AVX-512, VNNI and BF16
  bool amx_int8;     // AMX tiles of int8, with their state saved; no table uses them
};

const CpuFeatures& cpu_features() noexcept;

}  // namespace sapwood::kernels
