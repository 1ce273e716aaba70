// Products over the shapes of real models, in every type, each instruction set beside oneDNN and
// Eigen.
#pragma once

#include "common.h"

namespace sapwood::bench {

// Compares ours with oneDNN's, or the scalar table's where oneDNN has none or fixed scales; ends
// the program where they differ. Then registers the benchmarks.
void add_products();

// oneDNN's time over ours, and the share of what the machine allows that ours reach.
void print_products(const Reporter& reporter);

}  // namespace sapwood::bench
