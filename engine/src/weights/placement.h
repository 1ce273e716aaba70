// Sizes of packed tensors, and the one buffer that holds them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "weights/packed_weights.h"

namespace sapwood {

// Elements of a shape. Throws Error mismatch where they exceed 2^63, as do the sizes below.
std::int64_t elements(const std::vector<std::int64_t>& shape);

// Bytes of a packed tensor.
std::int64_t packed_bytes(const PackedSpec& spec);

// Allocates one buffer, on large pages where the system has them, for tensors whose `bytes` are
// set, and points their `data` into it, each aligned as kernels want it. Throws Error
// out_of_memory.
std::shared_ptr<std::byte> place(std::map<std::string, PackedTensor>& tensors);

}  // namespace sapwood
