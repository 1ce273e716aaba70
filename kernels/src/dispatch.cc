// Which table runs. Compiled for the baseline: nothing here may need an instruction set.
#include "sapwood/kernels/dispatch.h"

#include <array>
#include <cstdlib>

#include "sapwood/kernels/processor.h"
#include "tables.h"

namespace sapwood::kernels {

namespace {

constexpr int kIsas = static_cast<int>(Isa::avx512_bf16) + 1;

struct Available {
  std::array<const KernelTable*, kIsas> tables{};
  std::size_t count = 0;
};

Available find_available() noexcept {
  Available available;
  for (const KernelTable* table : all_tables()) {
    if (cpu_supports(table->isa)) available.tables[available.count++] = table;
  }
  return available;
}

}  // namespace

const char* name(Isa isa) noexcept {
  switch (isa) {
    case Isa::scalar:
      return "scalar";
    case Isa::avx2:
      return "avx2";
    case Isa::avx2_vnni:
      return "avx2_vnni";
    case Isa::avx512:
      return "avx512";
    case Isa::avx512_vnni:
      return "avx512_vnni";
    case Isa::avx512_bf16:
      return "avx512_bf16";
  }
  return "unknown";
}

bool cpu_has_amx_int8() noexcept { return this_processor().features.amx_int8; }

bool cpu_supports(Isa isa) noexcept { return supports(this_processor().features, isa); }

std::span<const KernelTable* const> available_tables() noexcept {
  static const Available available = find_available();
  return {available.tables.data(), available.count};
}

const KernelTable* find_table(Isa isa) noexcept {
  for (const KernelTable* table : available_tables()) {
    if (table->isa == isa) return table;
  }
  return nullptr;
}

namespace {

const KernelTable* named_table(std::string_view name) noexcept {
  for (const KernelTable* table : available_tables()) {
    if (name == table->name) return table;
  }
  for (const KernelTable* table : all_mixed_tables()) {
    if (name == table->name && cpu_supports(table->isa)) return table;
  }
  return nullptr;
}

}  // namespace

const KernelTable* select_table(std::string_view name) noexcept {
  if (!name.empty() && name != "auto") return named_table(name);
  const char* forced = std::getenv("SAPWOOD_ISA");
  if (forced != nullptr && *forced != '\0' && std::string_view(forced) != "auto") {
    return named_table(forced);
  }
  return named_table(line_of(this_processor()).table);
}

}  // namespace sapwood::kernels
