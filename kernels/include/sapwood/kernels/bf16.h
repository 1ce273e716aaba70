// bfloat16, one number at a time.
#pragma once

#include <bit>
#include <cstdint>

#include "sapwood/kernels/kernels.h"

namespace sapwood::kernels {
namespace {

constexpr float float_of(Bf16 x) noexcept { return std::bit_cast<float>(std::uint32_t{x} << 16); }

// Rounded to nearest even; NaN stays NaN.
constexpr Bf16 bf16_of(float x) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if (x != x) return static_cast<Bf16>((bits | 0x00400000u) >> 16);
  return static_cast<Bf16>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

}  // namespace
}  // namespace sapwood::kernels
