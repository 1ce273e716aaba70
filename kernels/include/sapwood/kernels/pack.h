// From the row-major weights of a checkpoint to the layouts that the kernels read.
#pragma once

#include <cstdint>

#include "sapwood/kernels/kernels.h"

namespace sapwood::kernels {

// Floats of a packed [n, k] matrix: panels of 16 columns, [ceil(n/16)][k][16].
constexpr std::int64_t packed_linear_size(std::int64_t n, std::int64_t k) noexcept {
  return round_up(n, kPanelWidth) * k;
}

// Packs w [n, k] (PyTorch's Linear weight: one row an output) into panels; columns beyond n are zero.
void pack_linear(const float* w, std::int64_t n, std::int64_t k, float* panels) noexcept;

// Floats of packed FFF nodes, [trees][nodes][2][round_up(cols, 16)].
constexpr std::int64_t packed_fff_size(std::int64_t trees, int depth, std::int64_t cols) noexcept {
  return trees * fff_nodes(depth) * 2 * round_up(cols, kPanelWidth);
}

// Packs linear_in [trees * nodes, cols] and linear_out [cols, trees * nodes] node by node.
void pack_fff(const float* linear_in, const float* linear_out, int trees, int depth, std::int64_t cols,
              float* nodes) noexcept;

}  // namespace sapwood::kernels
