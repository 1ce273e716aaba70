// The tables that were built, whatever the CPU has.
#pragma once

#include <span>

#include "sapwood/kernels/kernels.h"

namespace sapwood::kernels {

// Best first; the last one is scalar.
std::span<const KernelTable* const> all_tables() noexcept;

// Tables of kernels of several instruction sets, as lines of the table of processors want them; `isa` is the largest
// of those sets.
std::span<const KernelTable* const> all_mixed_tables() noexcept;

}  // namespace sapwood::kernels
