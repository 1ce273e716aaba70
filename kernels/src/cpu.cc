// What the processor says of itself. Compiled for the baseline.
#include <cstdint>
#include <cstring>

#ifdef SAPWOOD_KERNELS_X86
#include <cpuid.h>
#endif

#include "sapwood/kernels/processor.h"

namespace sapwood::kernels {
namespace {

#ifdef SAPWOOD_KERNELS_X86

constexpr bool bit(std::uint32_t word, int index) { return (word >> index & 1) != 0; }

// XCR0: the register states that the operating system saves and restores.
std::uint64_t read_xcr0() {
  std::uint32_t low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return std::uint64_t{high} << 32 | low;
}

// Bits as in Intel's Software Developer's Manual, volume 2A (CPUID) and volume 1, chapter 13
// (XCR0).
CpuFeatures features() {
  CpuFeatures features{};
  std::uint32_t a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return features;
  const bool fma = bit(c, 12), osxsave = bit(c, 27), avx = bit(c, 28), f16c = bit(c, 29);
  if (!osxsave || !avx) return features;
  const std::uint64_t xcr0 = read_xcr0();
  constexpr std::uint64_t kYmm = 0x06;         // xmm, ymm
  constexpr std::uint64_t kZmm = kYmm | 0xe0;  // masks, upper halves of zmm, zmm16 to 31
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return features;
  features.avx2 = bit(b, 5) && fma && f16c && (xcr0 & kYmm) == kYmm;
  const bool f = bit(b, 16), dq = bit(b, 17), cd = bit(b, 28), bw = bit(b, 30), vl = bit(b, 31);
  features.avx512 = features.avx2 && f && dq && cd && bw && vl && (xcr0 & kZmm) == kZmm;
  features.avx512_vnni = features.avx512 && bit(c, 11);
  constexpr std::uint64_t kTiles = 0x60000;  // TILECFG, TILEDATA
  features.amx_int8 = bit(d, 24) && bit(d, 25) && (xcr0 & kTiles) == kTiles;
  if (a < 1 || __get_cpuid_count(7, 1, &a, &b, &c, &d) == 0) return features;
  features.avx2_vnni = features.avx2 && bit(a, 4);
  features.avx512_bf16 = features.avx512_vnni && bit(a, 5);
  return features;
}

// Leaves 0 and 1: extended families and models are added as AMD's manual (volume 3, appendix E) and Intel's have it.
Processor detect() {
  Processor processor{};
  std::uint32_t a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(0, &a, &b, &c, &d) == 0) return processor;
  const std::uint32_t vendor[] = {b, d, c};
  std::memcpy(processor.vendor, vendor, sizeof vendor);
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return processor;
  const int family = static_cast<int>(a >> 8 & 0xf), model = static_cast<int>(a >> 4 & 0xf);
  const bool extended = family == 15;
  processor.family = family + (extended ? static_cast<int>(a >> 20 & 0xff) : 0);
  processor.model = model + (extended || family == 6 ? static_cast<int>(a >> 16 & 0xf) * 16 : 0);
  processor.features = features();
  return processor;
}

#else

Processor detect() { return {}; }

#endif

}  // namespace

const Processor& this_processor() noexcept {
  static const Processor processor = detect();
  return processor;
}

}  // namespace sapwood::kernels
