#include "run/choose_kernels.h"

#include <cstdlib>
#include <string>

#include "sapwood/error.h"
#include "sapwood/kernels/dispatch.h"

namespace sapwood {

const kernels::KernelTable& choose_kernels(Isa isa) {
  if (const kernels::KernelTable* table = kernels::select_table(to_string(isa))) return *table;
  std::string have;
  for (const NamedValue& named : names_of(isa).values) {
    if (named.name == "auto" || kernels::select_table(named.name) == nullptr) continue;
    have += (have.empty() ? "" : ", ") + std::string(named.name);
  }
  // select_table reads SAPWOOD_ISA for auto, and finds a table where it is not set.
  const char* value = isa == Isa::automatic ? std::getenv("SAPWOOD_ISA") : nullptr;
  const std::string asked = value != nullptr ? std::string("'") + value + "' (SAPWOOD_ISA)"
                                             : "'" + std::string(to_string(isa)) + "'";
  throw Error(
      ErrorCode::isa_unavailable,
      "instruction set " + asked + " is not to be had here; this CPU and build have: " + have);
}

}  // namespace sapwood
