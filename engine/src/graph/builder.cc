#include "graph/builder.h"

#include "graph/kernel_names.h"
#include "weights/table.h"

namespace sapwood {

using kernels::DType;

namespace {

// The weights of one node, and the bytes of those that were found.
class NodeWeights {
 public:
  explicit NodeWeights(const PackedWeights& all) : all_(all) {}

  const PackedTensor* find(const std::string& name) {
    const PackedTensor* tensor = all_.find(name);
    if (tensor != nullptr) bytes_ += tensor->bytes;
    return tensor;
  }

  // Null where the model has none of this name.
  const float* floats(const std::string& name) {
    const PackedTensor* tensor = find(name);
    return tensor == nullptr ? nullptr : reinterpret_cast<const float*>(tensor->data);
  }

  TypedWeight typed(const std::string& name) {
    TypedWeight typed;
    const PackedTensor* tensor = find(name);
    if (tensor == nullptr) return typed;
    typed.data = tensor->data;
    typed.type = tensor->dtype == TensorDtype::bf16 ? DType::bf16
                 : tensor->dtype == TensorDtype::i8 ? DType::int8
                                                    : DType::f32;
    typed.scales = floats(scales_name(name));
    const PackedTensor* sums = find(sums_name(name));
    if (sums != nullptr) typed.sums = reinterpret_cast<const std::int32_t*>(sums->data);
    return typed;
  }

  std::int64_t bytes() const { return bytes_; }

 private:
  const PackedWeights& all_;
  std::int64_t bytes_ = 0;
};

}  // namespace

// --- parts of an encoder

ValueId GraphBuilder::embeddings() {
  NodeWeights weights(weights_);
  EmbeddingOp op;
  op.word_panels = is_tied(config_);
  op.word = weights.typed(op.word_panels ? "head.decoder.weight" : "embeddings.word");
  op.position = weights.floats("embeddings.position");
  op.token_type = weights.floats("embeddings.type");
  op.cols = config_.embedding_size;
  ValueId x = op.y = new_value({.name = "embeddings", .cols = op.cols});
  add("embeddings", op, weights.bytes());
  if (config_.embedding_norm) x = norm("embeddings.norm", x);
  if (config_.embedding_size == config_.hidden) return x;
  return linear("embeddings.project", x, config_.hidden);
}

ValueId GraphBuilder::attention(ValueId x, int i) {
  // bf16 where the processor multiplies it and the products are not exact to float anyway.
  const bool narrow = graph_.kernels_.attention_bf16 != nullptr && config_.head_dim() % 2 == 0 &&
                      weights_.types().of(layer_name(i, "attention.qkv")) != DType::f32;
  const bool turned = config_.positions == PositionKind::rotary;
  const std::string name = layer_name(i, "attention"), out = layer_name(i, "attention.out");
  AttentionOp op{.heads = config_.heads,
                 .head_dim = config_.head_dim(),
                 .scale = attention_scale(config_.head_dim())};
  op.type = narrow ? DType::bf16 : DType::f32;
  op.x = linear(layer_name(i, "attention.qkv"), x, 3 * config_.hidden, Activation::none,
                turned ? DType::f32 : op.type);
  if (turned) op.x = rotary(op.x, i, op.type);
  if (config_.is_local(i)) op.reach = config_.local_reach;
  NodeWeights weights(weights_);
  if (const float* bias = weights.floats("attention.bias")) {
    op.bias = bias + config_.max_positions - 1;
    op.bias_stride = kernels::attention_distances(config_.max_positions);
  }
  op.y = new_value(
      {.name = name, .cols = config_.hidden, .type = narrow ? stored_for(out) : DType::f32});
  op.scratch = scratch(name, Scratch::attention, config_.head_dim());
  add(name, op, weights.bytes());
  return linear(out, op.y, config_.hidden);
}

ValueId GraphBuilder::rotary(ValueId qkv, int i, DType type) {
  const std::string name = layer_name(i, "attention.rotary");
  NodeWeights weights(weights_);
  RotaryOp op{.x = qkv, .y = qkv, .heads = config_.heads, .head_dim = config_.head_dim()};
  op.table = weights.floats(config_.is_local(i) ? "rotary.local" : "rotary");
  if (type != DType::f32) op.y = new_value({.name = name, .cols = value(qkv).cols, .type = type});
  add(name, op, weights.bytes());
  return op.y;
}

ValueId GraphBuilder::feed_forward(ValueId x, int i) {
  const FeedForwardConfig& ff = config_.feed_forward;
  const std::string in = layer_name(i, "ffn.in"), out = layer_name(i, "ffn.out");
  switch (ff.kind) {
    case FeedForwardKind::fff:
      return fff(layer_name(i, "ffn"), x);
    case FeedForwardKind::glu: {
      const std::string name = layer_name(i, "ffn.gate");
      GluOp op{.cols = ff.width / 2, .activation = kernel_activation(ff.activation)};
      op.x = linear(in, x, ff.width);
      op.y = new_value({.name = name, .cols = op.cols});
      add(name, op);
      return linear(out, op.y, config_.hidden);
    }
    case FeedForwardKind::dense:
      break;
  }
  return linear(out, units(in, out, x, ff.width, ff.activation), config_.hidden);
}

ValueId GraphBuilder::units(const std::string& in, const std::string& out, ValueId x, int width,
                            Activation activation) {
  const kernels::Activation function = kernel_activation(activation);
  if (product_type(out) != DType::int8 || uses_onednn(product_type(in), function)) {
    return linear(in, x, width, activation, stored_for(out));
  }
  const ValueId sums = linear(in, x, width);
  return narrowed(sums, DType::int8, function);
}

ValueId GraphBuilder::fff(const std::string& name, ValueId x) {
  const FeedForwardConfig& ff = config_.feed_forward;
  // The always-on neurons' output is what the trees add to.
  ValueId always = kNoValue;
  if (ff.dense_width > 0) {
    const std::string in = name + ".dense_in", out = name + ".dense_out";
    always = linear(out, units(in, out, x, ff.dense_width, Activation::gelu), config_.hidden);
  }
  FffOp op{.residual = always, .cols = config_.hidden, .trees = ff.trees, .depth = ff.depth};
  NodeWeights weights(weights_);
  op.nodes = weights.find(name + ".nodes")->data;
  op.params = reinterpret_cast<const kernels::FffNode*>(weights.find(name + ".node_params")->data);
  op.out_type = weights_.types().of(name);
  op.decision_type = weights_.types().decision_type_of(name);
  op.x = narrowed(x, op.decision_type);
  op.y = new_value({.name = name, .cols = config_.hidden});
  op.scratch = scratch(name, Scratch::fff, ff.depth);
  add(name, op, weights.bytes());
  return op.y;
}

// --- operations

ValueId GraphBuilder::linear(const std::string& name, ValueId x, int n, Activation activation,
                             DType y_type) {
  LinearOp op{.n = n, .k = value(x).cols, .activation = kernel_activation(activation)};
  const RowKind rows = value(x).rows;
  NodeWeights weights(weights_);
  op.weight = weights.typed(name + ".weight");
  op.bias = weights.floats(name + ".bias");
  op.x = narrowed(x, op.weight.type);
  op.y = new_value({.name = name, .rows = rows, .cols = n, .type = y_type});
  op.onednn = onednn(op);
  add(name, op, weights.bytes());
  return op.y;
}

bool GraphBuilder::uses_onednn(DType type, kernels::Activation activation) const {
  if (activation == kernels::Activation::gelu_10) return false;  // it has none like that
  if (options_.dense == DenseProducts::native) return false;
  return options_.dense != DenseProducts::automatic ||
         (type == DType::int8 && onednn_has_amx_int8());
}

const OnednnProduct* GraphBuilder::onednn(const LinearOp& op) const {
  if (!uses_onednn(op.weight.type, op.activation)) return nullptr;
  graph_.onednn_.push_back(
      std::make_unique<const OnednnProduct>(kernels::LinearArgs{.panels = op.weight.data,
                                                                .scales = op.weight.scales,
                                                                .sums = op.weight.sums,
                                                                .bias = op.bias,
                                                                .n = op.n,
                                                                .k = op.k,
                                                                .activation = op.activation},
                                            op.weight.type, options_.threads, graph_.kernels_));
  return graph_.onednn_.back().get();
}

ValueId GraphBuilder::narrowed(ValueId x, DType type, kernels::Activation activation) {
  if (value(x).type == type) return x;
  const auto [it, is_new] = narrowed_.try_emplace({x, type}, kNoValue);
  if (!is_new) return it->second;
  const Value wide = value(x);
  const std::string name = wide.name + "." + to_string(type);
  NarrowOp op{.x = x, .type = type, .cols = wide.cols, .activation = activation};
  op.y = new_value({.name = name, .rows = wide.rows, .cols = wide.cols, .type = type});
  it->second = op.y;
  if (type == DType::int8 && quantized_by_norm(x, op.y)) return op.y;
  add(name, op);
  return op.y;
}

bool GraphBuilder::quantized_by_norm(ValueId x, ValueId q) {
  const int writer = value(x).first_node;
  if (writer >= static_cast<int>(graph_.nodes_.size())) return false;
  auto* norm = std::get_if<LayerNormOp>(&graph_.nodes_[static_cast<std::size_t>(writer)].op);
  if (norm == nullptr || norm->y != x) return false;
  norm->q = q;
  graph_.values_[static_cast<std::size_t>(q)].first_node = writer;
  return true;
}

DType GraphBuilder::product_type(const std::string& name) const {
  return NodeWeights(weights_).typed(name + ".weight").type;
}

DType GraphBuilder::stored_for(const std::string& reader) const {
  return product_type(reader) == DType::bf16 ? DType::bf16 : DType::f32;
}

ValueId GraphBuilder::norm(const std::string& name, ValueId x) {
  return residual_norm(name, x, kNoValue).normed;
}

GraphBuilder::Normed GraphBuilder::residual_norm(const std::string& name, ValueId x,
                                                 ValueId residual, Sum sum) {
  LayerNormOp op{.x = x, .residual = residual, .cols = value(x).cols, .eps = config_.norm_eps};
  const RowKind rows = value(x).rows;
  NodeWeights weights(weights_);
  op.gamma = weights.floats(name + ".gamma");
  op.beta = weights.floats(name + ".beta");
  op.y = new_value({.name = name, .rows = rows, .cols = op.cols});
  if (sum == Sum::kept) {
    op.sum = new_value({.name = name + ".sum", .rows = rows, .cols = op.cols});
  }
  add(name, op, weights.bytes());
  return {op.y, op.sum};
}

// The norm's kernel writes the sum alone.
ValueId GraphBuilder::residual_sum(const std::string& name, ValueId x, ValueId residual) {
  LayerNormOp op{.x = x, .residual = residual, .cols = value(x).cols, .eps = config_.norm_eps};
  op.sum = new_value({.name = name, .rows = value(x).rows, .cols = op.cols});
  add(name, op);
  return op.sum;
}

ValueId GraphBuilder::selected_rows(const std::string& name, ValueId x) {
  SelectedRowsOp op{.x = x, .cols = value(x).cols};
  op.y = new_value({.name = name, .rows = RowKind::selected, .cols = op.cols});
  add(name, op);
  return op.y;
}

ValueId GraphBuilder::first_row(const std::string& name, ValueId x) {
  FirstRowOp op{.x = x, .cols = value(x).cols};
  op.y = new_value({.name = name, .rows = RowKind::sequences, .cols = op.cols});
  add(name, op);
  return op.y;
}

ValueId GraphBuilder::pool(const std::string& name, ValueId x, kernels::Pooling pooling) {
  PoolOp op{.x = x, .pooling = pooling, .cols = value(x).cols};
  op.y = new_value({.name = name, .rows = RowKind::sequences, .cols = op.cols});
  add(name, op);
  return op.y;
}

// --- bookkeeping

// Memory that lives for one node; one part for each thread.
ValueId GraphBuilder::scratch(const std::string& name, Scratch kind, int size) {
  return new_value({.name = name + ".scratch", .cols = size, .scratch = kind});
}

ValueId GraphBuilder::new_value(Value value) {
  value.first_node = value.last_node = static_cast<int>(graph_.nodes_.size());
  graph_.values_.push_back(std::move(value));
  return static_cast<ValueId>(graph_.values_.size()) - 1;
}

void GraphBuilder::add(std::string name, Op op, std::int64_t weight_bytes) {
  Node node{std::move(name), op, weight_bytes};
  const int index = static_cast<int>(graph_.nodes_.size());
  const ValueUses uses = node.uses();
  const auto use = [&](ValueId id) {
    if (id != kNoValue) graph_.values_[static_cast<std::size_t>(id)].last_node = index;
  };
  for (const ValueId id : uses.reads) use(id);
  for (const ValueId id : uses.writes) use(id);
  use(uses.scratch);
  graph_.nodes_.push_back(std::move(node));
}

// --- results

void GraphBuilder::rename(ValueId value, std::string name) {
  graph_.values_[static_cast<std::size_t>(value)].name = std::move(name);
}

void GraphBuilder::output(Output name, ValueId value) {
  graph_.outputs_.push_back({name, value, static_cast<int>(graph_.nodes_.size())});
}

}  // namespace sapwood
