// Large pages for what is large: memory that nobody has touched costs a fault for each of its pages.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

namespace sapwood {

// Asks for large pages where [begin, begin + bytes) has some whole ones: memory just taken, before its first
// use. Advice alone: nothing depends on it.
inline void advise_large_pages(const void* begin, std::size_t bytes) noexcept {
  constexpr std::uintptr_t kLargePage = std::uintptr_t{2} << 20;
  const auto at = reinterpret_cast<std::uintptr_t>(begin);
  const std::uintptr_t first = (at + kLargePage - 1) & ~(kLargePage - 1);
  const std::uintptr_t end = (at + bytes) & ~(kLargePage - 1);
  if (first >= end) return;
  madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
}

}  // namespace sapwood
