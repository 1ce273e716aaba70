// The kernels that a model runs with.
#pragma once

#include <string>

#include "sapwood/kernels/kernels.h"

namespace sapwood {

// The table of an instruction set by its name; "" and "auto": the best one of this CPU and build,
// or the one that the environment variable SAPWOOD_ISA names. Throws Error isa_unavailable, which
// lists those that are there.
const kernels::KernelTable& choose_kernels(const std::string& isa);

}  // namespace sapwood
