// The table of processors. Compiled for the baseline: nothing here may need an instruction set.
#include "sapwood/kernels/processor.h"

#include "sapwood/kernels/dispatch.h"
#include "tables.h"

namespace sapwood::kernels {
namespace {

constexpr int kAnyFamily = 1 << 30, kAnyModel = -1;
constexpr const char* kAmd = "AuthenticAMD";
constexpr const char* kIntel = "GenuineIntel";

// README.md, Processors, has what was measured where.
constexpr ProcessorLine kLines[] = {
    {"zen5", kAmd, 26, 26, kAnyModel, Isa::avx512_bf16, false, "avx512_bf16"},
    {"zen4", kAmd, 25, 25, kAnyModel, Isa::avx512_bf16, false, "avx512_bf16"},
    // Cooper Lake, the first with BF16, is another core than those below, and was not measured.
    {"intel_cooper_lake", kIntel, 6, 6, 85, Isa::avx512_bf16, false, "avx512_bf16"},
    {"intel_amx", kIntel, 0, kAnyFamily, kAnyModel, Isa::avx512_bf16, true, "avx512_intel"},
    {"intel_avx512_bf16", kIntel, 0, kAnyFamily, kAnyModel, Isa::avx512_bf16, false,
     "avx512_intel"},
    {"intel_avx512_vnni", kIntel, 0, kAnyFamily, kAnyModel, Isa::avx512_vnni, false, "avx512_vnni"},
    {"intel_avx512", kIntel, 0, kAnyFamily, kAnyModel, Isa::avx512, false, "avx512"},
    {"intel_avx2_vnni", kIntel, 0, kAnyFamily, kAnyModel, Isa::avx2_vnni, false, "avx2_vnni"},
    {"intel_avx2", kIntel, 0, kAnyFamily, kAnyModel, Isa::avx2, false, "avx2"},
    // Whatever else there is takes all that it has, also a processor above some of whose instructions are hidden.
    {"other_avx512_bf16", nullptr, 0, kAnyFamily, kAnyModel, Isa::avx512_bf16, false,
     "avx512_bf16"},
    {"other_avx512_vnni", nullptr, 0, kAnyFamily, kAnyModel, Isa::avx512_vnni, false,
     "avx512_vnni"},
    {"other_avx512", nullptr, 0, kAnyFamily, kAnyModel, Isa::avx512, false, "avx512"},
    {"zen3_or_older", kAmd, 0, 25, kAnyModel, Isa::avx2, false, "avx2"},
    {"other_avx2_vnni", nullptr, 0, kAnyFamily, kAnyModel, Isa::avx2_vnni, false, "avx2_vnni"},
    {"other_avx2", nullptr, 0, kAnyFamily, kAnyModel, Isa::avx2, false, "avx2"},
    {"other", nullptr, 0, kAnyFamily, kAnyModel, Isa::scalar, false, "scalar"},
};

bool fits(const ProcessorLine& line, const Processor& processor) {
  if (line.vendor != nullptr && std::string_view(line.vendor) != processor.vendor) return false;
  if (processor.family < line.first_family || processor.family > line.last_family) return false;
  if (line.model != kAnyModel && line.model != processor.model) return false;
  return supports(processor.features, line.has) && (!line.amx_int8 || processor.features.amx_int8);
}

// The least instruction set that brought a kernel.
template <typename Kernel>
const char* set_of(const KernelTable& table, Kernel KernelTable::*kernel) {
  if (table.*kernel == nullptr) return nullptr;
  const char* set = table.name;
  for (const KernelTable* each : all_tables()) {  // the least one is the last
    if (each->*kernel == table.*kernel) set = each->name;
  }
  return set;
}

}  // namespace

bool supports(const CpuFeatures& features, Isa isa) noexcept {
  switch (isa) {
    case Isa::scalar:
      return true;
    case Isa::avx2:
      return features.avx2;
    case Isa::avx2_vnni:
      return features.avx2_vnni;
    case Isa::avx512:
      return features.avx512;
    case Isa::avx512_vnni:
      return features.avx512_vnni;
    case Isa::avx512_bf16:
      return features.avx512_bf16;
  }
  return false;
}

std::span<const ProcessorLine> processor_lines() noexcept { return kLines; }

const ProcessorLine& line_of(const Processor& processor) noexcept {
  for (const ProcessorLine& line : kLines) {
    if (fits(line, processor)) return line;
  }
  return kLines[std::size(kLines) - 1];  // the last one fits any
}

std::array<KernelChoice, 8> kernel_choices(const KernelTable& table) noexcept {
#define SAPWOOD_CHOICE(kernel) \
  KernelChoice { #kernel, set_of(table, &KernelTable::kernel) }
  return {SAPWOOD_CHOICE(linear_f32),     SAPWOOD_CHOICE(linear_bf16),
          SAPWOOD_CHOICE(linear_int8),    SAPWOOD_CHOICE(attention_f32),
          SAPWOOD_CHOICE(attention_bf16), SAPWOOD_CHOICE(fff_f32),
          SAPWOOD_CHOICE(fff_bf16),       SAPWOOD_CHOICE(fff_int8)};
#undef SAPWOOD_CHOICE
}

const char* kernel_set(const KernelTable& table, std::string_view operation) noexcept {
  for (const KernelChoice& choice : kernel_choices(table)) {
    if (choice.operation == operation && choice.set != nullptr) return choice.set;
  }
  return table.name;
}

}  // namespace sapwood::kernels
