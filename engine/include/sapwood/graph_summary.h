// The static graph: what a model computes, as a list of operations with shapes, weights and
// kernels, fixed at load. `sapwood inspect --graph` prints it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sapwood {

// One node as a reader wants to see it. Figures are for one row of the node's output.
struct NodeSummary {
  int index;
  std::string name;                 // "layers.0.attention.qkv"
  std::string op;                   // "linear", "attention", "layer_norm", ...
  std::string epilogue;             // fused bias and activation, "" where none
  std::vector<std::string> inputs;  // names of the values read
  std::string output;               // name of the value written
  std::string shape;                // "[tokens, 768]"
  std::string dtype;                // "f32"
  std::string kernel;               // "linear_f32_avx512"
  std::int64_t weight_bytes;        // weights this node owns
  std::int64_t bytes_per_row;       // weights and activations that one row touches, read once
  std::int64_t
      ops_per_row;  // multiply-adds count as two; attention without the part that grows with length
  std::int64_t buffer_offset;  // bytes from the arena's start, at full capacity
};

struct GraphSummary {
  std::vector<NodeSummary> nodes;
  std::int64_t arena_bytes;  // at full capacity
  int batch_tokens;
};

}  // namespace sapwood
