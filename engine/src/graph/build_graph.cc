// From configuration and weights to nodes. Reads top to bottom as the model computes.
#include <algorithm>
#include <map>
#include <utility>

#include "graph/graph.h"

namespace sapwood {
namespace {

using kernels::DType;
using kernels::Pooling;

kernels::Activation kernel_activation(Activation activation) {
  switch (activation) {
    case Activation::none:
      return kernels::Activation::none;
    case Activation::gelu:
      return kernels::Activation::gelu;
    case Activation::gelu_tanh:
      return kernels::Activation::gelu_tanh;
    case Activation::relu:
      return kernels::Activation::relu;
    case Activation::tanh:
      return kernels::Activation::tanh;
  }
  return kernels::Activation::none;
}

Pooling pooling_of(PoolingMode mode) {
  return mode == PoolingMode::max   ? Pooling::max
         : mode == PoolingMode::cls ? Pooling::cls
                                    : Pooling::mean;
}

}  // namespace

class GraphBuilder {
 public:
  GraphBuilder(Graph& graph, const ModelConfig& config, const PackedWeights& weights)
      : g_(graph), c_(config), w_(weights), types_(weights.types()) {}

  void build() {
    ValueId stream = embed();
    for (int i = 0; i < c_.layers; ++i) {
      stream = c_.pre_norm ? pre_norm_layer(stream, i) : post_norm_layer(stream, i);
    }
    if (c_.pre_norm) stream = normed_;
    g_.values_[stream].name = "hidden";
    g_.hidden_ = stream;
    g_.encoder_nodes_ = static_cast<int>(g_.nodes_.size());
    g_.head_ = head(stream);
    keep_results();
  }

 private:
  // --- the model
  // -----------------------------------------------------------------------------------

  ValueId embed() {
    Node node{.op = Op::embedding, .name = "embeddings"};
    node.panels = is_tied(c_);
    typed_weight(node, node.panels ? "head.decoder.weight" : "embeddings.word");
    node.bias = weight(node, "embeddings.position");
    node.extra = weight(node, "embeddings.type");
    // A lookup touches one row of each table, not the tables.
    node.n = c_.hidden;
    node.y = value("embeddings", RowKind::tokens, c_.hidden);
    ValueId x = add(node).y;
    if (c_.embedding_norm) x = norm("embeddings.norm", x);
    // Pre-norm: the stream itself goes on unnormed; its normed form feeds the first block.
    if (c_.pre_norm) normed_ = norm("layers.0.attention.norm", x);
    return x;
  }

  // x = norm(x + attention(x)); x = norm(x + feedforward(x))
  ValueId post_norm_layer(ValueId x, int i) {
    const ValueId a = attention(x, i);
    x = residual_norm(layer(i, "attention.norm"), a, x).normed;
    const ValueId f = feed_forward(x, i);
    return residual_norm(layer(i, "ffn.norm"), f, x).normed;
  }

  // x = x + attention(norm(x)); x = x + feedforward(norm(x)); the next block's norm is computed
  // with the sum, and after the last block the final norm.
  ValueId pre_norm_layer(ValueId x, int i) {
    const ValueId a = attention(normed_, i);
    Stream s = residual_norm(layer(i, "ffn.norm"), a, x, true);
    const ValueId f = feed_forward(s.normed, i);
    const bool last = i + 1 == c_.layers;
    if (last && !c_.final_norm) {
      normed_ = residual_sum(layer(i, "ffn.residual"), f, s.sum);
      return normed_;
    }
    s = residual_norm(last ? "final_norm" : layer(i + 1, "attention.norm"), f, s.sum, !last);
    normed_ = s.normed;
    return last ? normed_ : s.sum;
  }

  ValueId attention(ValueId x, int i) {
    // bf16 where the processor multiplies it and the products are not exact to float anyway.
    const bool narrow = g_.kernels_.attention_bf16 != nullptr && c_.head_dim() % 2 == 0 &&
                        types_.of(layer(i, "attention.qkv")) != DType::f32;
    const DType type = narrow ? DType::bf16 : DType::f32;
    const ValueId qkv =
        linear(layer(i, "attention.qkv"), x, 3 * c_.hidden, c_.hidden, Activation::none, type);
    Node node{.op = Op::attention, .name = layer(i, "attention")};
    node.x = qkv;
    node.n = c_.hidden;
    node.type = type;
    node.y = value(node.name, RowKind::tokens, c_.hidden,
                   narrow ? stored_for(layer(i, "attention.out")) : DType::f32);
    node.scratch = scratch(node.name, Scratch::attention, c_.head_dim());
    return linear(layer(i, "attention.out"), add(node).y, c_.hidden, c_.hidden);
  }

  ValueId feed_forward(ValueId x, int i) {
    const FeedForwardConfig& ff = c_.feed_forward;
    switch (ff.kind) {
      case FeedForwardKind::fff:
        return fff(layer(i, "ffn"), x);
      case FeedForwardKind::glu: {
        Node node{.op = Op::gelu_glu, .name = layer(i, "ffn.gate")};
        node.x = linear(layer(i, "ffn.in"), x, ff.width, c_.hidden);
        node.n = ff.width / 2;
        node.y = value(node.name, RowKind::tokens, node.n);
        return linear(layer(i, "ffn.out"), add(node).y, c_.hidden, ff.width / 2);
      }
      case FeedForwardKind::dense:
        break;
    }
    const ValueId inner = linear(layer(i, "ffn.in"), x, ff.width, c_.hidden, ff.activation,
                                 stored_for(layer(i, "ffn.out")));
    return linear(layer(i, "ffn.out"), inner, c_.hidden, ff.width);
  }

  ValueId head(ValueId hidden) {
    const int labels = static_cast<int>(c_.labels.size());
    const Activation activation = c_.head_activation;
    switch (c_.head) {
      case HeadKind::none:
        return kNoValue;
      case HeadKind::masked_lm: {
        Node rows{.op = Op::selected_rows, .name = "head.selected"};
        rows.x = hidden;
        rows.n = c_.hidden;
        rows.y = value(rows.name, RowKind::selected, c_.hidden);
        ValueId x = add(rows).y;
        if (c_.head_transform) {
          x = linear("head.transform", x, c_.hidden, c_.hidden, activation);
          x = norm("head.norm", x);
        }
        return linear("head.decoder", x, c_.vocab_size, c_.hidden);
      }
      case HeadKind::sequence_classification: {
        const bool first = c_.head_pooling == PoolingMode::cls;
        Node rows{.op = first ? Op::first_row : Op::pool, .name = "head.pool"};
        rows.pooling = pooling_of(c_.head_pooling);
        rows.x = hidden;
        rows.n = c_.hidden;
        rows.y = value(rows.name, RowKind::sequences, c_.hidden);
        const ValueId x =
            linear("head.transform", add(rows).y, c_.head_width, c_.hidden, activation);
        return linear("head.classifier", x, labels, c_.head_width);
      }
      case HeadKind::token_classification:
      case HeadKind::question_answering:
        return linear("head.classifier", hidden, labels, c_.hidden);
    }
    return kNoValue;
  }

  // --- nodes
  // ---------------------------------------------------------------------------------------

  struct Stream {
    ValueId normed, sum;
  };

  ValueId linear(const std::string& name, ValueId x, int n, int k,
                 Activation activation = Activation::none, DType y_type = DType::f32) {
    Node node{.op = Op::linear, .name = name};
    typed_weight(node, name + ".weight");
    node.bias = weight(node, name + ".bias");
    node.x = narrowed(x, node.type);
    node.n = n;
    node.k = k;
    node.activation = kernel_activation(activation);
    node.y = value(name, g_.values_[x].rows, n, y_type);
    node.onednn = onednn(node);
    return add(node).y;
  }

  // oneDNN's product for a node, or null where ours is to compute it.
  const OnednnProduct* onednn(const Node& node) {
    const bool faster = node.type == DType::int8 && onednn_has_amx_int8();
    if (g_.dense_ == DenseProducts::native || (g_.dense_ == DenseProducts::automatic && !faster))
      return nullptr;
    g_.onednn_.push_back(
        std::make_unique<const OnednnProduct>(kernels::LinearArgs{.panels = node.weight,
                                                                  .scales = node.scales,
                                                                  .sums = node.sums,
                                                                  .bias = node.bias,
                                                                  .n = node.n,
                                                                  .k = node.k,
                                                                  .activation = node.activation},
                                              node.type, g_.threads_, g_.kernels_));
    return g_.onednn_.back().get();
  }

  // The value in the type that a product reads; made once, however many read it.
  ValueId narrowed(ValueId x, DType type) {
    if (g_.values_[x].type == type) return x;
    const auto [it, is_new] = narrowed_.try_emplace({x, type}, kNoValue);
    if (!is_new) return it->second;
    const Value& wide = g_.values_[x];
    Node node{.op = Op::narrow, .name = wide.name + "." + to_string(type)};
    node.x = x;
    node.n = wide.cols;
    node.type = type;
    node.y = value(node.name, wide.rows, wide.cols, type);
    return it->second = add(node).y;
  }

  // What a product should write for another one that reads it: bf16 where that is what it reads.
  DType stored_for(const std::string& reader) const {
    const PackedTensor* tensor = w_.find(reader + ".weight");
    return tensor != nullptr && tensor->dtype == TensorDtype::bf16 ? DType::bf16 : DType::f32;
  }

  ValueId fff(const std::string& name, ValueId x) {
    const FeedForwardConfig& ff = c_.feed_forward;
    Node node{.op = Op::fff, .name = name};
    const PackedTensor* nodes = find(node, name + ".nodes");
    node.weight = nodes->data;
    node.scales = weight(node, name + ".node_params");
    node.type = types_.of(name);
    node.decision_type = types_.decision_type_of(name);
    // The always-on neurons' output is what the trees add to.
    if (ff.dense_width > 0) {
      const ValueId inner = linear(name + ".dense_in", x, ff.dense_width, c_.hidden,
                                   Activation::gelu, stored_for(name + ".dense_out"));
      node.residual = linear(name + ".dense_out", inner, c_.hidden, ff.dense_width);
    }
    node.x = narrowed(x, node.decision_type);
    node.n = node.k = c_.hidden;
    node.trees = ff.trees;
    node.depth = ff.depth;
    node.y = value(name, RowKind::tokens, c_.hidden);
    node.scratch = scratch(name, Scratch::fff, ff.depth);
    return add(node).y;
  }

  ValueId norm(const std::string& name, ValueId x) {
    return residual_norm(name, x, kNoValue).normed;
  }

  Stream residual_norm(const std::string& name, ValueId x, ValueId residual,
                       bool keep_sum = false) {
    Node node{.op = Op::layer_norm, .name = name};
    node.weight = weight(node, name + ".gamma");
    node.bias = weight(node, name + ".beta");
    node.x = x;
    node.residual = residual;
    node.n = g_.values_[x].cols;
    node.y = value(name, g_.values_[x].rows, node.n);
    if (keep_sum) node.sum = value(name + ".sum", g_.values_[x].rows, node.n);
    const Node& added = add(node);
    return {added.y, added.sum};
  }

  // A residual without a norm after it: the norm kernel writes the sum alone.
  ValueId residual_sum(const std::string& name, ValueId x, ValueId residual) {
    Node node{.op = Op::layer_norm, .name = name};
    node.x = x;
    node.residual = residual;
    node.n = g_.values_[x].cols;
    node.sum = value(name, g_.values_[x].rows, node.n);
    return add(node).sum;
  }

  // --- bookkeeping
  // ---------------------------------------------------------------------------------

  static std::string layer(int i, const char* part) {
    return "layers." + std::to_string(i) + "." + part;
  }

  const PackedTensor* find(Node& node, const std::string& name) const {
    const PackedTensor* tensor = w_.find(name);
    if (tensor != nullptr) node.weight_bytes += tensor->bytes;
    return tensor;
  }

  const float* weight(Node& node, const std::string& name) const {
    const PackedTensor* tensor = find(node, name);
    return tensor == nullptr ? nullptr : reinterpret_cast<const float*>(tensor->data);
  }

  // A weight of any type, with the scales and sums that go with int8.
  void typed_weight(Node& node, const std::string& name) const {
    const PackedTensor* tensor = find(node, name);
    if (tensor == nullptr) return;
    node.weight = tensor->data;
    node.type = tensor->dtype == TensorDtype::bf16 ? DType::bf16
                : tensor->dtype == TensorDtype::i8 ? DType::int8
                                                   : DType::f32;
    node.scales = weight(node, scales_name(name));
    const PackedTensor* sums = find(node, sums_name(name));
    if (sums != nullptr) node.sums = reinterpret_cast<const std::int32_t*>(sums->data);
  }

  ValueId value(std::string name, RowKind rows, int cols, DType type = DType::f32) {
    return new_value({.name = std::move(name), .rows = rows, .cols = cols, .type = type});
  }

  // Memory that lives for one node; one part for each thread.
  ValueId scratch(const std::string& name, Scratch kind, int size) {
    return new_value({.name = name + ".scratch", .cols = size, .scratch = kind});
  }

  ValueId new_value(Value value) {
    value.first_node = value.last_node = static_cast<int>(g_.nodes_.size());
    g_.values_.push_back(std::move(value));
    return static_cast<ValueId>(g_.values_.size()) - 1;
  }

  const Node& add(Node node) {
    const int index = static_cast<int>(g_.nodes_.size());
    for (const ValueId id : {node.x, node.residual, node.y, node.sum, node.scratch}) {
      if (id != kNoValue) g_.values_[id].last_node = index;
    }
    g_.nodes_.push_back(std::move(node));
    return g_.nodes_.back();
  }

  // What the caller reads must outlive every node.
  void keep_results() {
    const int end = static_cast<int>(g_.nodes_.size());
    g_.values_[g_.hidden_].last_node = end;
    if (g_.head_ != kNoValue) g_.values_[g_.head_].last_node = end;
  }

  Graph& g_;
  const ModelConfig& c_;
  const PackedWeights& w_;
  const WeightTypes& types_;
  std::map<std::pair<ValueId, DType>, ValueId> narrowed_;
  ValueId normed_ = kNoValue;  // pre-norm: the stream after the norm of the block that comes next
};

Graph::Graph(const ModelConfig& config, const PackedWeights& weights,
             const kernels::KernelTable& kernels, DenseProducts dense, int threads)
    : kernels_(kernels),
      dense_(dense),
      threads_(threads),
      heads_(config.heads),
      norm_eps_(config.norm_eps) {
  GraphBuilder(*this, config, weights).build();
}

}  // namespace sapwood
