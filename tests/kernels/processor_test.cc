// The table of processors: every line, on any machine.
#include "sapwood/kernels/processor.h"

#include <cstdio>
#include <cstring>
#include <map>
#include <set>
#include <string>

#include "catch.h"
#include "sapwood/kernels/dispatch.h"
#include "support.h"

namespace sapwood::kernels::test {
namespace {

constexpr CpuFeatures kAvx2{.avx2 = true};
constexpr CpuFeatures kAvx2Vnni{.avx2 = true, .avx2_vnni = true};
constexpr CpuFeatures kAvx512{.avx2 = true, .avx512 = true};
constexpr CpuFeatures kAvx512Vnni{.avx2 = true, .avx512 = true, .avx512_vnni = true};
constexpr CpuFeatures kAvx512Bf16{
    .avx2 = true, .avx512 = true, .avx2_vnni = true, .avx512_vnni = true, .avx512_bf16 = true};
constexpr CpuFeatures kAmx{.avx2 = true,
                           .avx512 = true,
                           .avx2_vnni = true,
                           .avx512_vnni = true,
                           .avx512_bf16 = true,
                           .amx_int8 = true};

Processor processor(const char* vendor, int family, int model, const CpuFeatures& features) {
  Processor made{.vendor = {}, .family = family, .model = model, .features = features};
  std::snprintf(made.vendor, sizeof made.vendor, "%s", vendor);
  return made;
}

struct Known {
  const char* what;
  Processor processor;
  const char *line, *table;
};

// Families and models as the manufacturers number them.
const Known kKnown[] = {
    {"Zen 5", processor("AuthenticAMD", 26, 2, kAvx512Bf16), "zen5", "avx512_bf16"},
    {"Zen 4, server", processor("AuthenticAMD", 25, 17, kAvx512Bf16), "zen4", "avx512_bf16"},
    {"Zen 4, client", processor("AuthenticAMD", 25, 97, kAvx512Bf16), "zen4", "avx512_bf16"},
    {"Zen 4 whose hypervisor hides BF16", processor("AuthenticAMD", 25, 17, kAvx512Vnni),
     "other_avx512_vnni", "avx512_vnni"},
    {"Zen 3", processor("AuthenticAMD", 25, 1, kAvx2), "zen3_or_older", "avx2"},
    {"Zen 1", processor("AuthenticAMD", 23, 1, kAvx2), "zen3_or_older", "avx2"},
    {"a later AMD", processor("AuthenticAMD", 27, 0, kAvx512Bf16), "other_avx512_bf16",
     "avx512_bf16"},
    {"AMD before AVX2", processor("AuthenticAMD", 21, 2, {}), "other", "scalar"},
    {"Emerald Rapids", processor("GenuineIntel", 6, 207, kAmx), "intel_amx", "avx512_intel"},
    {"Emerald Rapids whose hypervisor hides AMX", processor("GenuineIntel", 6, 207, kAvx512Bf16),
     "intel_avx512_bf16", "avx512_intel"},
    {"Sapphire Rapids", processor("GenuineIntel", 6, 143, kAmx), "intel_amx", "avx512_intel"},
    {"Cooper Lake", processor("GenuineIntel", 6, 85, kAvx512Bf16), "intel_cooper_lake",
     "avx512_bf16"},
    {"Cascade Lake", processor("GenuineIntel", 6, 85, kAvx512Vnni), "intel_avx512_vnni",
     "avx512_vnni"},
    {"Ice Lake", processor("GenuineIntel", 6, 106, kAvx512Vnni), "intel_avx512_vnni",
     "avx512_vnni"},
    {"Skylake server", processor("GenuineIntel", 6, 85, kAvx512), "intel_avx512", "avx512"},
    {"Alder Lake", processor("GenuineIntel", 6, 151, kAvx2Vnni), "intel_avx2_vnni", "avx2_vnni"},
    {"Haswell", processor("GenuineIntel", 6, 63, kAvx2), "intel_avx2", "avx2"},
    {"another vendor", processor("HygonGenuine", 24, 1, kAvx2), "other_avx2", "avx2"},
    {"another vendor, AVX-VNNI", processor("CentaurHauls", 7, 91, kAvx2Vnni), "other_avx2_vnni",
     "avx2_vnni"},
    {"another vendor, AVX-512", processor("", 0, 0, kAvx512), "other_avx512", "avx512"},
    {"no x86", {}, "other", "scalar"},
};

}  // namespace

TEST_CASE("processors: each finds its line, and every line is found") {
  std::set<std::string> found;
  for (const Known& known : kKnown) {
    INFO(known.what);
    const ProcessorLine& line = line_of(known.processor);
    CHECK(std::string(line.name) == known.line);
    CHECK(std::string(line.table) == known.table);
    CHECK(supports(known.processor.features, line.has));
    found.insert(line.name);
  }
  for (const ProcessorLine& line : processor_lines()) CHECK(found.contains(line.name));
  CHECK(found.size() == processor_lines().size());
}

TEST_CASE("processors: a line's table needs no more than the line promises") {
  for (const ProcessorLine& line : processor_lines()) {
    INFO(line.name);
    const KernelTable* table = select_table(line.table);
    CHECK((table != nullptr) == cpu_supports(line.has));
    if (table != nullptr) CHECK(table->isa <= line.has);
  }
}

TEST_CASE("processors: this one has a line, always the same") {
  const ProcessorLine& line = line_of(this_processor());
  CHECK(&line_of(this_processor()) == &line);
  REQUIRE(select_table(line.table) != nullptr);
  CHECK(supports(this_processor().features, select_table(line.table)->isa));
}

TEST_CASE("processors: avx512_intel widens bf16 products and has no attention of bf16") {
  const KernelTable* table = select_table("avx512_intel");
  CHECK((table != nullptr) == cpu_supports(Isa::avx512_bf16));
  if (table == nullptr) {
    WARN("skipped: avx512_intel is not tested, this CPU or build lacks AVX-512 BF16");
    return;
  }
  std::map<std::string, std::string> sets;
  for (const auto& [operation, set] : kernel_choices(*table))
    sets[operation] = set != nullptr ? set : "none";
  CHECK(sets == std::map<std::string, std::string>{{"linear_f32", "avx512"},
                                                   {"linear_bf16", "avx512"},
                                                   {"linear_int8", "avx512_vnni"},
                                                   {"attention_f32", "avx512"},
                                                   {"attention_bf16", "none"},
                                                   {"fff_f32", "avx512"},
                                                   {"fff_bf16", "avx512_bf16"},
                                                   {"fff_int8", "avx512_vnni"}});
  CHECK(std::string(kernel_set(*table, "linear_bf16")) == "avx512");
  CHECK(std::string(kernel_set(*table, "pool_f32")) == "avx512_intel");
}

}  // namespace sapwood::kernels::test
