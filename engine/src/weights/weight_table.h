// The one table of tensor names and shapes: for a configuration, every packed tensor the graph
// reads and the checkpoint tensors it is made from.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/dtype.h"
#include "sapwood/compute.h"
#include "sapwood/config.h"
#include "sapwood/kernels/kernels.h"

namespace sapwood {

// How a packed tensor is laid out.
enum class Layout : std::uint8_t {
  rows,     // row-major [rows, cols]: tables that are looked up by row
  vector,   // [n]: gains and shifts of norms
  bias,     // [round_up(n, 16)], zeros beyond n
  panels,   // kernels::pack_linear of [n, k], in the type of the spec
  fff,      // kernels::pack_fff of linear_in and linear_out, in the types of the spec
  derived,  // scales and sums of an int8 tensor, written when that one is packed
};

// Which type each product's weights take.
struct WeightTypes {
  kernels::DType products = kernels::DType::f32;
  // The rows that fast feedforward decides by: no coarser than the rest of its nodes.
  kernels::DType decision_type = kernels::DType::f32;
  // Products that take another type than the rest, by name ("layers.0.ffn.out").
  std::map<std::string, kernels::DType> exceptions = {};

  static WeightTypes all(kernels::DType type) { return {type, type, {}}; }

  // The type that a product or table was given.
  kernels::DType of(const std::string& product) const;
  // The type that a product [n, k] is stored in: f32 for fewer than 64 outputs, which are classifiers whose precision costs
  // nothing, and for those of a text's one vector (kSentencePrefix); bf16 instead of int8 where a sum would leave 31 bits.
  kernels::DType stored(const std::string& product, std::int64_t n, std::int64_t k) const;
  kernels::DType decision_type_of(const std::string& layer) const {
    return std::min(decision_type, of(layer));
  }
};

// What a caller asked for; it is not automatic.
kernels::DType dtype_of(WeightType type) noexcept;

// The names that stand in files, which are those of WeightType. Throws Error unsupported for another
// name, saying what it was for.
kernels::DType parse_weight_type(const std::string& name, const std::string& what);
const char* to_string(kernels::DType type) noexcept;

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
  // The part that is taken: `count` of axis `axis` from `first`; all of it where count is 0.
  int axis = 0;
  std::int64_t first = 0, count = 0;

  std::vector<std::int64_t> part_shape() const {
    std::vector<std::int64_t> part = shape;
    if (count > 0) part[axis] = count;
    return part;
  }
};

// Tables that are computed from the configuration.
enum class Computed : std::uint8_t {
  no,
  sinusoidal,     // of positions; a source, if any, scales it
  rotary,         // cosines and sines for each position (kernels::RotaryArgs)
  relative_bias,  // of each head and distance, from a source [buckets, heads] (kernels::AttentionArgs)
};

struct PackedSpec {
  std::string name;  // "layers.0.attention.qkv.weight"
  Layout layout = Layout::vector;
  TensorDtype dtype = TensorDtype::f32;  // of the packed tensor's elements
  std::vector<std::int64_t> shape;       // of the packed tensor
  std::vector<SourceTensor> sources;     // stacked along rows; fff: linear_in, linear_out
  RowOrder order = RowOrder::as_stored;
  Computed computed = Computed::no;
  double rotary_base = 0;
};

// Every tensor of the model. `prefix` stands before the encoder's names in this checkpoint
// ("bert.", "distilbert.", "encoder." or ""). config.labels are resolved. Throws Error mismatch
// where the configuration makes a size 0.
std::vector<PackedSpec> weight_table(const ModelConfig& config, const WeightTypes& types,
                                     const std::string& prefix);

// The tensors of the head alone, likewise; labels need not be resolved.
std::vector<PackedSpec> head_table(const ModelConfig& config, const std::string& prefix);

// What attention's scores are multiplied by.
float attention_scale(int head_dim);

// What the products of SentenceConfig::modules are called, and one of them.
inline constexpr std::string_view kSentencePrefix = "sentence.";
std::string sentence_name(std::size_t module);
std::string token_module_name(std::size_t module);
// SparseConfig::query_path's weights.
inline constexpr const char* kSparseQueryName = "sentence.query";

// Whether the word embedding is the decoder's weight: packed once, as "head.decoder.weight".
bool is_tied(const ModelConfig& config);

// The tensors that go with an int8 tensor of this name.
inline std::string scales_name(const std::string& name) { return name + ".scales"; }
inline std::string sums_name(const std::string& name) { return name + ".sums"; }

}  // namespace sapwood
