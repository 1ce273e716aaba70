// The table of every instruction set. Compiled for the baseline: nothing here may need one.
#include "tables.h"

#include "isa.h"

SAPWOOD_DECLARE_KERNELS(scalar)
#ifdef SAPWOOD_KERNELS_X86
SAPWOOD_DECLARE_KERNELS(avx2)
SAPWOOD_DECLARE_KERNELS(avx2_vnni)
SAPWOOD_DECLARE_KERNELS(avx512)
SAPWOOD_DECLARE_KERNELS(avx512_vnni)
SAPWOOD_DECLARE_KERNELS(avx512_bf16)
#endif

namespace sapwood::kernels {
namespace {

// The table of an instruction set whose objects define every kernel but the optional ones.
#define SAPWOOD_TABLE_ENTRY(kernel, Args) table.kernel = ns::kernel;
#define SAPWOOD_TABLE(set)               \
  [] {                                   \
    namespace ns = set;                  \
    KernelTable table{};                 \
    table.isa = Isa::set;                \
    table.name = #set;                   \
    SAPWOOD_KERNELS(SAPWOOD_TABLE_ENTRY) \
    return table;                        \
  }()

constexpr KernelTable kScalar = SAPWOOD_TABLE(scalar);

#ifdef SAPWOOD_KERNELS_X86

constexpr KernelTable kAvx2 = SAPWOOD_TABLE(avx2);
constexpr KernelTable kAvx512 = SAPWOOD_TABLE(avx512);

// What VPDPBUSD makes faster.
#define SAPWOOD_WITH_VNNI(base, set)      \
  [] {                                    \
    KernelTable table = base;             \
    table.isa = Isa::set;                 \
    table.name = #set;                    \
    table.linear_int8 = set::linear_int8; \
    table.fff_int8 = set::fff_int8;       \
    return table;                         \
  }()

constexpr KernelTable kAvx2Vnni = SAPWOOD_WITH_VNNI(kAvx2, avx2_vnni);
constexpr KernelTable kAvx512Vnni = SAPWOOD_WITH_VNNI(kAvx512, avx512_vnni);

// What VDPBF16PS makes faster.
constexpr KernelTable kAvx512Bf16 = [] {
  KernelTable table = kAvx512Vnni;
  table.isa = Isa::avx512_bf16;
  table.name = "avx512_bf16";
  table.linear_bf16 = avx512_bf16::linear_bf16;
  table.attention_bf16 = avx512_bf16::attention_bf16;
  table.fff_bf16 = avx512_bf16::fff_bf16;
  return table;
}();

// VDPBF16PS takes longer than two FMAs: so products are widened, and attention is in floats.
constexpr KernelTable kAvx512Intel = [] {
  KernelTable table = kAvx512Bf16;
  table.name = "avx512_intel";
  table.linear_bf16 = avx512::linear_bf16;
  table.attention_bf16 = nullptr;
  return table;
}();

constexpr const KernelTable* kMixedTables[] = {&kAvx512Intel};

#endif

constexpr const KernelTable* kTables[] = {
#ifdef SAPWOOD_KERNELS_X86
    &kAvx512Bf16, &kAvx512Vnni, &kAvx512, &kAvx2Vnni, &kAvx2,
#endif
    &kScalar,
};

}  // namespace

std::span<const KernelTable* const> all_tables() noexcept { return kTables; }

std::span<const KernelTable* const> all_mixed_tables() noexcept {
#ifdef SAPWOOD_KERNELS_X86
  return kMixedTables;
#else
  return {};
#endif
}

}  // namespace sapwood::kernels
