// Which table runs: the one that was forced, by name, and it is a different one.
#include "sapwood/kernels/dispatch.h"

#include <cstdlib>
#include <optional>
#include <string>

#include "catch.h"
#include "sapwood/kernels/processor.h"
#include "support.h"

namespace sapwood::kernels::test {
namespace {

// Sets SAPWOOD_ISA for a scope.
class Environment {
 public:
  explicit Environment(const char* value) {
    if (const char* old = std::getenv("SAPWOOD_ISA")) old_ = old;
    set(value);
  }
  ~Environment() { set(old_ ? old_->c_str() : nullptr); }

 private:
  static void set(const char* value) {
    if (value == nullptr) {
      unsetenv("SAPWOOD_ISA");
    } else {
      setenv("SAPWOOD_ISA", value, 1);
    }
  }
  std::optional<std::string> old_;
};

// "avx512" of "avx512_bf16".
std::string family(const KernelTable& table) {
  const std::string name = table.name;
  return name.substr(0, name.find('_'));
}
bool has_bf16(const KernelTable& table) { return table.isa == Isa::avx512_bf16; }
bool has_vnni(const KernelTable& table) {
  return table.isa == Isa::avx2_vnni || table.isa == Isa::avx512_vnni || has_bf16(table);
}

const KernelTable* own_table() { return select_table(line_of(this_processor()).table); }

}  // namespace

TEST_CASE("dispatch: every instruction set is tested or named as missing") {
  int tested = 0;
  for (const Isa isa :
       {Isa::scalar, Isa::avx2, Isa::avx2_vnni, Isa::avx512, Isa::avx512_vnni, Isa::avx512_bf16}) {
    if (find_table(isa) == nullptr) {
      WARN("skipped: " << name(isa) << " kernels are not tested, this CPU or build lacks them");
      CHECK((!cpu_supports(isa) || isa != Isa::scalar));
    } else {
      ++tested;
      CHECK(cpu_supports(isa));
    }
  }
  CHECK(tested == static_cast<int>(tables().size()));
}

TEST_CASE("dispatch: a forced table is the one that runs") {
  Environment environment(nullptr);
  for (const KernelTable* table : tables()) {
    CHECK(select_table(table->name) == table);
    CHECK(find_table(table->isa) == table);
    CHECK(std::string(name(table->isa)) == table->name);
    for (const KernelTable* other : tables()) {
      if (other == table) continue;
      CHECK(other->isa != table->isa);
      // Families share nothing; an extension replaces what it makes faster and shares the rest.
      const bool shares = family(*other) == family(*table);
      CHECK((other->linear_f32 == table->linear_f32) == shares);
      CHECK((other->quantize == table->quantize) == shares);
      CHECK((other->to_bf16 == table->to_bf16) == shares);
      CHECK((other->layer_norm == table->layer_norm) == shares);
      CHECK((other->embedding == table->embedding) == shares);
      CHECK((other->attention_f32 == table->attention_f32) == shares);
      CHECK((other->attention_bf16 != nullptr) == has_bf16(*other));
      CHECK((other->glu == table->glu) == shares);
      CHECK((other->pool == table->pool) == shares);
      CHECK((other->fff_f32 == table->fff_f32) == shares);
      CHECK((other->linear_int8 == table->linear_int8) ==
            (shares && has_vnni(*other) == has_vnni(*table)));
      CHECK((other->fff_int8 == table->fff_int8) ==
            (shares && has_vnni(*other) == has_vnni(*table)));
      CHECK((other->linear_bf16 == table->linear_bf16) ==
            (shares && has_bf16(*other) == has_bf16(*table)));
      CHECK((other->fff_bf16 == table->fff_bf16) ==
            (shares && has_bf16(*other) == has_bf16(*table)));
    }
  }
}

TEST_CASE("dispatch: the tables are complete and best first") {
  REQUIRE(!tables().empty());
  CHECK(tables().back()->isa == Isa::scalar);
  for (std::size_t i = 1; i < tables().size(); ++i) {
    CHECK(tables()[i - 1]->isa > tables()[i]->isa);
  }
}

TEST_CASE("dispatch: auto is SAPWOOD_ISA where set and else what this processor's line says") {
  {
    Environment environment(nullptr);
    CHECK(select_table("auto") == own_table());
    CHECK(select_table("") == own_table());
  }
  for (const KernelTable* table : tables()) {
    Environment environment(table->name);
    CHECK(select_table("auto") == table);
    CHECK(select_table("") == table);
    // Only auto reads the environment.
    for (const KernelTable* other : tables()) CHECK(select_table(other->name) == other);
  }
  {
    Environment environment("auto");
    CHECK(select_table("auto") == own_table());
  }
  {
    Environment environment("neon2");
    CHECK(select_table("auto") == nullptr);
    CHECK(select_table("scalar") == find_table(Isa::scalar));
  }
}

TEST_CASE("dispatch: unknown names have no table") {
  CHECK(select_table("sse9") == nullptr);
  CHECK(select_table("AVX2") == nullptr);
  CHECK(select_table("avx2 ") == nullptr);
}

}  // namespace sapwood::kernels::test
