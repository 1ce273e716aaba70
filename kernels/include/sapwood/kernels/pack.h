// From the row-major weights of a checkpoint to the layouts that the kernels read.
#pragma once

#include <cstdint>

#include "sapwood/kernels/kernels.h"

namespace sapwood::kernels {

// Elements of a packed [n, k] matrix: panels of 16 columns, each [words of k][16][elements a word].
constexpr std::int64_t packed_linear_size(std::int64_t n, std::int64_t k,
                                          DType type = DType::f32) noexcept {
  return round_up(n, kPanelWidth) * round_up(k, elements_per_word(type));
}

// Packs w [n, k] (PyTorch's Linear weight: one row an output) into panels; columns beyond n and k
// beyond the last are zero.
void pack_linear(const float* w, std::int64_t n, std::int64_t k, float* panels) noexcept;
void pack_linear_bf16(const float* w, std::int64_t n, std::int64_t k, Bf16* panels) noexcept;

// Symmetric, with a scale for each output: w[j, i] is about scales[j] * q. Writes round_up(n, 16)
// scales and sums of q over k. k is at most kMostInt8Depth.
void pack_linear_int8(const float* w, std::int64_t n, std::int64_t k, std::int8_t* panels,
                      float* scales, std::int32_t* sums) noexcept;

// The scale that takes n numbers to -127..127, and a number of that scale, rounded to nearest even.
float int8_scale(const float* w, std::int64_t n) noexcept;
std::int8_t int8_of(float w, float scale) noexcept;

// Bytes of packed FFF nodes.
constexpr std::int64_t packed_fff_bytes(std::int64_t trees, int depth, std::int64_t cols,
                                        DType decision_type, DType out_type) noexcept {
  return trees * fff_nodes(depth) * fff_node_bytes(cols, decision_type, out_type);
}

// A layer of trees as a checkpoint has it, and the types that its nodes take.
struct FffWeights {
  const float* linear_in;   // [trees * nodes, cols]
  const float* linear_out;  // [cols, trees * nodes]
  const float* bias;        // [trees * nodes], of the decisions
  int trees, depth;
  std::int64_t cols;
  DType decision_type, out_type;
};

// Packs it node by node: `nodes` and `params` as in FffArgs. An int8 row has a scale of its own.
void pack_fff(const FffWeights& weights, void* nodes, FffNode* params) noexcept;

}  // namespace sapwood::kernels
