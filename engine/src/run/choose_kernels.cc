#include "run/choose_kernels.h"

#include <cstdlib>

#include "sapwood/error.h"
#include "sapwood/kernels/dispatch.h"

namespace sapwood {

const kernels::KernelTable& choose_kernels(const std::string& isa) {
  if (const kernels::KernelTable* table = kernels::select_table(isa)) return *table;
  std::string have;
  for (const kernels::KernelTable* table : kernels::available_tables()) {
    have += (have.empty() ? "" : ", ") + std::string(table->name);
  }
  // select_table reads SAPWOOD_ISA for auto, and finds a table where it is not set.
  const bool forced = isa.empty() || isa == "auto";
  const char* value = forced ? std::getenv("SAPWOOD_ISA") : nullptr;
  const std::string asked =
      value != nullptr ? std::string("'") + value + "' (SAPWOOD_ISA)" : "'" + isa + "'";
  throw Error(
      ErrorCode::isa_unavailable,
      "instruction set " + asked + " is not to be had here; this CPU and build have: " + have);
}

}  // namespace sapwood
