// Which table runs: the one that was forced, by name, and it is a different one.
#include "sapwood/kernels/dispatch.h"

#include <cstdlib>
#include <optional>
#include <string>

#include "catch.h"
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

}  // namespace

TEST_CASE("dispatch: every instruction set is tested or named as missing") {
  int tested = 0;
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512}) {
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
      CHECK(other->linear != table->linear);
      CHECK(other->layer_norm != table->layer_norm);
      CHECK(other->embedding != table->embedding);
      CHECK(other->attention != table->attention);
      CHECK(other->softmax != table->softmax);
      CHECK(other->gelu_glu != table->gelu_glu);
      CHECK(other->pool != table->pool);
      CHECK(other->fff != table->fff);
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

TEST_CASE("dispatch: auto is SAPWOOD_ISA where set and else the best") {
  {
    Environment environment(nullptr);
    CHECK(select_table("auto") == tables().front());
    CHECK(select_table("") == tables().front());
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
    CHECK(select_table("auto") == tables().front());
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
