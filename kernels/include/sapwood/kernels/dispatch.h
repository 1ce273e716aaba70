// Which instruction sets this CPU has and which table serves them.
#pragma once

#include <span>
#include <string_view>

#include "sapwood/kernels/kernels.h"

namespace sapwood::kernels {

// The name users write: "scalar", "avx2", "avx2_vnni", "avx512", "avx512_vnni", "avx512_bf16".
const char* name(Isa isa) noexcept;

// True where both the CPU (CPUID) and the operating system (XCR0) support every instruction that
// the table of this instruction set uses.
bool cpu_supports(Isa isa) noexcept;

// Whether the processor and the operating system have AMX for int8. No table uses it.
bool cpu_has_amx_int8() noexcept;

// The tables this build has and this CPU can run, best first; the last one is scalar.
std::span<const KernelTable* const> available_tables() noexcept;

// The table of exactly this instruction set, or null where the CPU or the build lacks it.
const KernelTable* find_table(Isa isa) noexcept;

// What `name` names: "auto" (or "") is the environment variable SAPWOOD_ISA where it is set, else what the table of
// processors says of this one (processor.h); a name is exactly that one: of an instruction set, or of kernels of several,
// which are "avx512_intel" (needs AVX-512 BF16). Null where the CPU lacks it or the name is unknown.
const KernelTable* select_table(std::string_view name) noexcept;

}  // namespace sapwood::kernels
