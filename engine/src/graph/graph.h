// The static graph of one model: nodes over values, for which each session has one arena.
#pragma once

#include <memory>
#include <vector>

#include "graph/ops.h"
#include "sapwood/compute.h"
#include "sapwood/config.h"
#include "sapwood/graph_summary.h"
#include "sapwood/sequence.h"
#include "weights/packed_weights.h"

namespace sapwood {

// How the positions and types of a text's tokens are made.
struct InputRules {
  static constexpr std::int32_t kNoPadding = -1;
  std::int32_t padding_id = kNoPadding;  // ModelConfig::padding_id
  bool types = true;                     // or every token's type is 0
};

// A value that callers read, and how many nodes, from the first one on, compute it.
struct GraphOutput {
  Output name;
  ValueId value;
  int nodes;
};

class Graph {
 public:
  // `threads`: into how many parts oneDNN's products are cut.
  Graph(const ModelConfig& config, const PackedWeights& weights,
        const kernels::KernelTable& kernels, DenseProducts dense = DenseProducts::native,
        int threads = 1);

  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<Value>& values() const { return values_; }
  const Value& value(ValueId id) const { return values_[static_cast<std::size_t>(id)]; }
  const kernels::KernelTable& kernels() const { return kernels_; }
  const InputRules& input_rules() const { return input_rules_; }
  // Null where the model has no such output.
  const GraphOutput* output(Output name) const noexcept;

 private:
  friend class GraphBuilder;
  std::vector<Node> nodes_;
  std::vector<Value> values_;
  std::vector<GraphOutput> outputs_;
  std::vector<std::unique_ptr<const OnednnProduct>> onednn_;
  const kernels::KernelTable& kernels_;
  const InputRules input_rules_;
};

}  // namespace sapwood
