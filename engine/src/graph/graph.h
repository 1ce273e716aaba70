// The static graph of one model: nodes over values, every value at a fixed offset of one arena.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "onednn/onednn_product.h"
#include "sapwood/compute.h"
#include "sapwood/config.h"
#include "sapwood/graph_summary.h"
#include "sapwood/kernels/kernels.h"
#include "weights/packed_weights.h"

namespace sapwood {

// What a value has one row for.
enum class RowKind : std::uint8_t { tokens, sequences, selected };

// The most rows of each kind that one run may have, and what scratch memory depends on: what the
// memory of a session is made for.
struct Capacity {
  int tokens = 0;
  int sequences = 0;
  int selected = 0;
  int length = 0;   // tokens of the longest sequence
  int threads = 1;  // each has its own scratch
};

using ValueId = int;
inline constexpr ValueId kNoValue = -1;

// Memory that lives for one node, a part for each thread, instead of rows.
enum class Scratch : std::uint8_t { none, attention, fff };

struct Value {
  std::string name;
  RowKind rows = RowKind::tokens;
  int cols = 0;  // numbers a row; of scratch: the head's size (attention), the depth (fff)
  // Of the numbers: float, bf16, or u8 whose scales (kernels::RowScale) stand behind all rows.
  kernels::DType type = kernels::DType::f32;
  Scratch scratch = Scratch::none;
  int first_node = 0, last_node = 0;  // lifetime, inclusive
};

// Where a value stands in an arena, in bytes.
struct Placement {
  std::int64_t bytes = 0;  // at full capacity
  std::int64_t scales =
      0;  // u8: from the value's start to its scales; scratch: of one thread's part
  std::int64_t offset = 0;  // from the arena's start
};

struct ArenaPlan {
  std::vector<Placement> placements;  // one a value
  std::int64_t bytes = 0;
};

// Numbers from one row to the next: whole words.
constexpr std::int64_t row_stride(const Value& value) {
  return kernels::round_up(value.cols, kernels::elements_per_word(value.type));
}

enum class Op : std::uint8_t {
  embedding,
  layer_norm,
  linear,
  attention,
  gelu_glu,
  fff,
  narrow,         // to the type that the next product reads
  first_row,      // [sequences, cols]: the first token's row of each sequence
  selected_rows,  // [selected, cols]: the rows a masked-LM head answers for
  pool,           // [sequences, cols]
};

struct Node {
  Op op;
  std::string name;
  ValueId x = kNoValue, residual = kNoValue, y = kNoValue, sum = kNoValue, scratch = kNoValue;
  // Weights by their role in the kernel's contract; null where unused.
  const void* weight = nullptr;               // panels, gamma, word embedding, fff nodes
  const float* bias = nullptr;                // bias, beta, position embedding, fff node bias
  const float* extra = nullptr;               // type embedding
  const float* scales = nullptr;              // int8: of columns, or of rows of the word embedding
  const std::int32_t* sums = nullptr;         // int8: of columns
  kernels::DType type = kernels::DType::f32;  // of the weight
  bool panels = false;                        // embedding: the weight is a product's too
  kernels::DType decision_type = kernels::DType::f32;  // fff: of the rows it decides by
  std::int64_t weight_bytes = 0;
  int n = 0, k = 0;  // columns out, columns in
  kernels::Activation activation = kernels::Activation::none;
  kernels::Pooling pooling = kernels::Pooling::mean;
  int trees = 0, depth = 0;
  const OnednnProduct* onednn = nullptr;  // linear: what computes it instead of the kernel
};

class Graph {
 public:
  // `threads`: into how many parts oneDNN's products are cut.
  Graph(const ModelConfig& config, const PackedWeights& weights,
        const kernels::KernelTable& kernels, DenseProducts dense = DenseProducts::native,
        int threads = 1);

  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<Value>& values() const { return values_; }
  const kernels::KernelTable& kernels() const { return kernels_; }
  int encoder_nodes() const { return encoder_nodes_; }  // the nodes up to the last hidden state
  ValueId hidden() const { return hidden_; }            // last hidden state
  ValueId head() const { return head_; }                // logits, or kNoValue
  int heads() const { return heads_; }
  float norm_eps() const { return norm_eps_; }

 private:
  friend class GraphBuilder;
  std::vector<Node> nodes_;
  std::vector<Value> values_;
  std::vector<std::unique_ptr<const OnednnProduct>> onednn_;
  const kernels::KernelTable& kernels_;
  DenseProducts dense_;
  int threads_;
  int encoder_nodes_ = 0;
  ValueId hidden_ = kNoValue, head_ = kNoValue;
  int heads_ = 1;
  float norm_eps_ = 0;
};

// The values' sizes at a capacity, and offsets such that values alive at the same node never overlap.
// Largest first, each at the lowest offset that is free over its lifetime.
ArenaPlan plan_arena(const std::vector<Value>& values, const Capacity& capacity);

// Rows of a layer of trees that one thread computes at once, which its scratch memory is made for.
constexpr int fff_rows(const Capacity& capacity) {
  return (capacity.tokens + capacity.threads - 1) / capacity.threads;
}

// The offsets alone, for sizes that are there already (Placement::bytes).
void place_values(const std::vector<Value>& values, ArenaPlan& plan);

}  // namespace sapwood
