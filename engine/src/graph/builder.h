// What the graphs of models are made of. An encoder (encoders.h) and a head (heads/) call it in the order in which
// the model computes; each call adds the nodes that compute one thing and returns their value.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "graph/graph.h"

namespace sapwood {

class GraphBuilder {
 public:
  struct Options {
    DenseProducts dense = DenseProducts::native;
    int threads = 1;  // into how many parts oneDNN's products are cut
  };
  GraphBuilder(Graph& graph, const ModelConfig& config, const PackedWeights& weights,
               const Options& options)
      : graph_(graph), config_(config), weights_(weights), options_(options) {}

  const ModelConfig& config() const { return config_; }

  // --- parts of an encoder; [tokens, hidden] where nothing else is said

  // Words, positions and types, normed and projected to the hidden size where the model does that.
  ValueId embeddings();
  // Query, key and value, the heads, and the output's product. `x` are the rows that go in.
  ValueId attention(ValueId x, int layer);
  // The configuration's kind of feedforward: dense, gated, or trees.
  ValueId feed_forward(ValueId x, int layer);

  // --- operations; `name` is the one of the weights, without ".weight"

  // activation(x w + bias), [rows of x, n]. `y_type`: f32, or bf16 where the reader multiplies that.
  ValueId linear(const std::string& name, ValueId x, int n,
                 Activation activation = Activation::none,
                 kernels::DType y_type = kernels::DType::f32);
  ValueId norm(const std::string& name, ValueId x);

  struct Normed {
    ValueId normed;
    ValueId sum;  // kNoValue unless it was to be kept
  };
  enum class Sum { dropped, kept };
  // norm(x + residual)
  Normed residual_norm(const std::string& name, ValueId x, ValueId residual,
                       Sum sum = Sum::dropped);
  // x + residual
  ValueId residual_sum(const std::string& name, ValueId x, ValueId residual);

  // Rows of hidden states for a head. [selected, cols], [sequences, cols], [sequences, cols].
  ValueId selected_rows(const std::string& name, ValueId x);
  ValueId first_row(const std::string& name, ValueId x);
  ValueId pool(const std::string& name, ValueId x, kernels::Pooling pooling);

  // --- results

  void rename(ValueId value, std::string name);
  // What has been built up to here computes this output, which outlives every node.
  void output(Output name, ValueId value);

 private:
  ValueId fff(const std::string& name, ValueId x);
  // Rows of [query | key | value], turned, in the type that attention reads.
  ValueId rotary(ValueId qkv, int layer, kernels::DType type);
  // A feedforward's hidden units, activation(x w + bias) of the product `in`, as the product `out` reads them. Where
  // that is int8, the activation is computed by what narrows them: it then passes over them once less.
  ValueId units(const std::string& in, const std::string& out, ValueId x, int width,
                Activation activation);
  // The value in the type that a product reads; made once, however many read it. With an activation, for int8: that of
  // the value, which is lost.
  ValueId narrowed(ValueId x, kernels::DType type,
                   kernels::Activation activation = kernels::Activation::none);
  // Whether a norm writes x; then it writes q too.
  bool quantized_by_norm(ValueId x, ValueId q);
  // The type of a product's weights; f32 where there is no such product.
  kernels::DType product_type(const std::string& name) const;
  // What a product should write for another one that reads it: bf16 where that is what it reads.
  kernels::DType stored_for(const std::string& reader) const;
  // Whether oneDNN computes such a product.
  bool uses_onednn(kernels::DType type, kernels::Activation activation) const;
  // oneDNN's product for an operation, or null where ours is to compute it.
  const OnednnProduct* onednn(const LinearOp& op) const;

  const Value& value(ValueId id) const { return graph_.value(id); }
  ValueId new_value(Value value);
  ValueId scratch(const std::string& name, Scratch kind, int size);
  // `weight_bytes`: of the weights that the operation reads.
  void add(std::string name, Op op, std::int64_t weight_bytes = 0);

  Graph& graph_;
  const ModelConfig& config_;
  const PackedWeights& weights_;
  const Options options_;
  std::map<std::pair<ValueId, kernels::DType>, ValueId> narrowed_;
};

}  // namespace sapwood
