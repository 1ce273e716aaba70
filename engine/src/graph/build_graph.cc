// From configuration and weights to a graph: the family's encoder, and behind it the head.
#include <utility>

#include "architecture/head.h"
#include "graph/builder.h"

namespace sapwood {

Graph::Graph(const ModelConfig& config, const PackedWeights& weights,
             const kernels::KernelTable& kernels, DenseProducts dense, int threads)
    : kernels_(kernels),
      input_rules_{.padding_id = config.padding_id.value_or(InputRules::kNoPadding),
                   .types = config.type_vocab > 1} {
  GraphBuilder build(*this, config, weights, {.dense = dense, .threads = threads});
  const ValueId hidden = family_of(config).encoder(build);
  build.rename(hidden, "hidden");
  build.output(Output::hidden, hidden);
  if (const Head* head = find_head(config.head)) {
    build.output(Output::head, head->nodes(build, hidden));
  }
  // What callers read outlives every node.
  for (const GraphOutput& output : outputs_) {
    values_[static_cast<std::size_t>(output.value)].last_node = static_cast<int>(nodes_.size());
  }
}

const GraphOutput* Graph::output(Output name) const noexcept {
  for (const GraphOutput& output : outputs_) {
    if (output.name == name) return &output;
  }
  return nullptr;
}

}  // namespace sapwood
