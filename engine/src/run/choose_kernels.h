// The kernels that a model runs with.
#pragma once

#include "sapwood/compute.h"
#include "sapwood/kernels/kernels.h"

namespace sapwood {

// The table of an instruction set. Throws Error isa_unavailable, which lists those that are there.
const kernels::KernelTable& choose_kernels(Isa isa);

}  // namespace sapwood
