// The one table of tensor names and shapes: for a configuration, every packed tensor the graph
// reads and the checkpoint tensors it is made from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sapwood/config.h"

namespace sapwood {

// How a packed tensor is laid out.
enum class Layout : std::uint8_t {
  rows,       // row-major [rows, cols]: tables that are looked up by row
  vector,     // [n]: gains and shifts of norms
  bias,       // [round_up(n, 16)], zeros beyond n
  panels,     // kernels::pack_linear of [n, k]
  fff,        // kernels::pack_fff of linear_in and linear_out
  fff_nodes,  // [n] kernels::FffNode as 4 floats, from the bias
};

// Rows of a source taken in another order than the checkpoint has them.
enum class RowOrder : std::uint8_t {
  as_stored,
  heads_of_qkv,  // stored [head][q, k, v], wanted [q, k, v][head] (GPT-NeoX, crammedBERT)
  gate_first,    // stored [value | gate], wanted [gate | value] (crammedBERT's GLU)
};

// A checkpoint tensor: its name, others it is known by, and its shape.
struct SourceTensor {
  std::vector<std::string> names;  // first that exists is taken
  std::vector<std::int64_t> shape;
};

struct PackedSpec {
  std::string name;  // "layers.0.attention.qkv.weight"
  Layout layout = Layout::vector;
  std::vector<std::int64_t> shape;    // of the packed tensor
  std::vector<SourceTensor> sources;  // stacked along rows; fff: linear_in, linear_out
  RowOrder order = RowOrder::as_stored;
  // Position tables computed from max_positions instead of read; a source, if any, scales them.
  bool sinusoidal = false;
};

// Every tensor of the model. `prefix` stands before the encoder's names in this checkpoint
// ("bert.", "distilbert.", "encoder." or ""). config.labels are resolved.
std::vector<PackedSpec> weight_table(const ModelConfig& config, const std::string& prefix);

// The encoder prefix that checkpoints of models with a head have.
std::string head_prefix(Architecture architecture);

// The word embedding's name behind the prefix: it tells which prefix a checkpoint has.
std::string word_embedding_name(Architecture architecture);

// The tensor whose rows count the labels; empty for heads without labels.
std::string label_tensor_name(const ModelConfig& config);

}  // namespace sapwood
