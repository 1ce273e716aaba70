// What this machine can do at most, measured: one thread's memory bandwidth and multiply-adds.
#pragma once

#include <cstddef>

#include "sapwood/kernels/kernels.h"

namespace sapwood::bench {

// Bytes a second of reading a buffer of this size over and over, in order: that of the cache or
// memory where so much stays.
double read_bandwidth(std::size_t bytes);

// Multiply-adds a second of the best instruction for this type.
double peak_multiply_adds(kernels::DType type);

}  // namespace sapwood::bench
