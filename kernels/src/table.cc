// The table of one instruction set; compiled once for each (isa.h).
#include "isa.h"

#define SAPWOOD_STRING_OF(name) #name
#define SAPWOOD_STRING(name) SAPWOOD_STRING_OF(name)

namespace sapwood::kernels::KERNEL_ISA {

extern const KernelTable table;  // dispatch.cc lists it

constinit const KernelTable table = {
    .isa = Isa::KERNEL_ISA,
    .name = SAPWOOD_STRING(KERNEL_ISA),
    .linear = &linear,
    .layer_norm = &layer_norm,
    .embedding = &embedding,
    .attention = &attention,
    .softmax = &softmax,
    .gelu_glu = &gelu_glu,
    .pool = &pool,
    .fff = &fff,
};

}  // namespace sapwood::kernels::KERNEL_ISA
