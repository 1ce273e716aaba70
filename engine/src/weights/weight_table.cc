#include "weights/weight_table.h"

#include "sapwood/error.h"
#include "sapwood/kernels/pack.h"

namespace sapwood {
namespace {

using kernels::round_up;
using Names = std::vector<std::string>;

// Collects the specs of one model. The methods say what a tensor is for; the names come from the
// architecture's own function below.
class Table {
 public:
  Table(const ModelConfig& config, const WeightTypes& types) : config_(config), types_(types) {}

  void rows(const std::string& name, Names source, std::int64_t rows, std::int64_t cols) {
    add({.name = name,
         .layout = Layout::rows,
         .shape = {rows, cols},
         .sources = {{std::move(source), {rows, cols}}}});
  }

  // The word embedding: the one table that is large. A tied decoder holds it.
  void words(Names source) {
    if (is_tied(config_)) return;
    const std::string name = "embeddings.word";
    rows(name, std::move(source), config_.vocab_size, config_.hidden);
    specs_.back().dtype = dtype_of(types_.of(name));
    if (types_.of(name) == kernels::DType::int8) {
      derived(scales_name(name), Dtype::f32, config_.vocab_size);
    }
  }

  void vector(const std::string& name, Names source, std::int64_t n) {
    add({.name = name, .shape = {n}, .sources = {{std::move(source), {n}}}});
  }

  // Also known as gamma and beta in checkpoints that were converted from TensorFlow.
  void norm(const std::string& name, const std::string& source, std::int64_t cols) {
    vector(name + ".gamma", {source + ".weight", source + ".gamma"}, cols);
    vector(name + ".beta", {source + ".bias", source + ".beta"}, cols);
  }

  // A product [n, k] from sources stacked along rows.
  void product(const std::string& name, std::vector<SourceTensor> weights,
               std::vector<SourceTensor> biases, std::int64_t n, std::int64_t k,
               RowOrder order = RowOrder::as_stored) {
    const std::int64_t padded = round_up(n, kernels::kPanelWidth);
    const kernels::DType type = product_type(name, n, k);
    const std::int64_t per_word = kernels::elements_per_word(type);
    PackedSpec weight{.name = name + ".weight",
                      .layout = Layout::panels,
                      .dtype = dtype_of(type),
                      .shape = {padded / kernels::kPanelWidth, round_up(k, per_word) / per_word,
                                kernels::kPanelWidth},
                      .sources = std::move(weights),
                      .order = order};
    if (per_word > 1) weight.shape.push_back(per_word);
    add(std::move(weight));
    if (type == kernels::DType::int8) {
      derived(scales_name(name + ".weight"), Dtype::f32, padded);
      derived(sums_name(name + ".weight"), Dtype::i32, padded);
    }
    if (biases.empty()) return;
    add({.name = name + ".bias",
         .layout = Layout::bias,
         .shape = {padded},
         .sources = std::move(biases),
         .order = order});
  }

  // One product from one or several stacked [n, k] matrices.
  void linear(const std::string& name, const std::vector<Names>& weights,
              const std::vector<Names>& biases, std::int64_t n, std::int64_t k,
              RowOrder order = RowOrder::as_stored) {
    std::vector<SourceTensor> weight_sources, bias_sources;
    for (const Names& source : weights) weight_sources.push_back({source, {n, k}});
    for (const Names& source : biases) bias_sources.push_back({source, {n}});
    product(name, std::move(weight_sources), std::move(bias_sources),
            static_cast<std::int64_t>(weights.size()) * n, k, order);
  }
  void linear(const std::string& name, const std::string& source, bool bias, std::int64_t n,
              std::int64_t k, RowOrder order = RowOrder::as_stored) {
    linear(name, {{source + ".weight"}},
           bias ? std::vector<Names>{{source + ".bias"}} : std::vector<Names>{}, n, k, order);
  }

  void fff(const std::string& name, const std::string& source) {
    const FeedForwardConfig& ff = config_.feed_forward;
    const std::int64_t nodes = kernels::fff_nodes(ff.depth), all = ff.trees * nodes;
    const std::int64_t rows = all + ff.dense_width;  // the always-on neurons follow the trees'
    const std::int64_t hidden = config_.hidden;
    const kernels::DType out_type = types_.of(name), in_type = types_.decisions_of(name);
    const bool mixed = in_type != out_type;
    const std::int64_t bytes = kernels::fff_node_bytes(hidden, in_type, out_type);
    const std::int64_t size = dtype_size(dtype_of(out_type));
    // A node's rows of one type are a matrix; of two types, bytes.
    add({.name = name + ".nodes",
         .layout = Layout::fff,
         .dtype = mixed ? Dtype::u8 : dtype_of(out_type),
         .shape = mixed ? std::vector<std::int64_t>{ff.trees, nodes, bytes}
                        : std::vector<std::int64_t>{ff.trees, nodes, 2, bytes / 2 / size},
         .sources = {{{source + ".linear_in.weight"}, {rows, hidden}, 0, 0, all},
                     {{source + ".linear_out.weight"}, {hidden, rows}, 1, 0, all},
                     {{source + ".linear_in.bias"}, {rows}, 0, 0, all}}});
    add({.name = name + ".node_params", .layout = Layout::derived, .shape = {all, 4}});
    if (ff.dense_width == 0) return;
    product(name + ".dense_in",
            {{{source + ".linear_in.weight"}, {rows, hidden}, 0, all, ff.dense_width}},
            {{{source + ".linear_in.bias"}, {rows}, 0, all, ff.dense_width}}, ff.dense_width,
            hidden);
    product(name + ".dense_out",
            {{{source + ".linear_out.weight"}, {hidden, rows}, 1, all, ff.dense_width}}, {}, hidden,
            ff.dense_width);
  }

  void add(PackedSpec spec) { specs_.push_back(std::move(spec)); }
  std::vector<PackedSpec> take() { return std::move(specs_); }

 private:
  // Small products are classifiers: their precision costs nothing. Long sums leave 31 bits.
  kernels::DType product_type(const std::string& name, std::int64_t n, std::int64_t k) const {
    constexpr std::int64_t kSmall = 64;
    if (n < kSmall) return kernels::DType::f32;
    const kernels::DType type = types_.of(name);
    const bool too_long = type == kernels::DType::int8 && k > kernels::kMostInt8Depth;
    return too_long ? kernels::DType::bf16 : type;
  }

  void derived(const std::string& name, Dtype dtype, std::int64_t n) {
    add({.name = name, .layout = Layout::derived, .dtype = dtype, .shape = {n}});
  }

  static Dtype dtype_of(kernels::DType type) {
    return type == kernels::DType::f32    ? Dtype::f32
           : type == kernels::DType::bf16 ? Dtype::bf16
                                          : Dtype::i8;
  }

  const ModelConfig& config_;
  const WeightTypes& types_;
  std::vector<PackedSpec> specs_;
};

std::string layer_name(int layer, const char* part) {
  return "layers." + std::to_string(layer) + "." + part;
}

std::vector<PackedSpec> distilbert_table(const ModelConfig& c, const WeightTypes& types,
                                         const std::string& prefix) {
  Table t(c, types);
  const std::int64_t h = c.hidden;
  const std::string word = prefix + "embeddings.word_embeddings.weight";
  t.words({word});
  t.rows("embeddings.position", {prefix + "embeddings.position_embeddings.weight"}, c.max_positions,
         h);
  t.norm("embeddings.norm", prefix + "embeddings.LayerNorm", h);
  for (int i = 0; i < c.layers; ++i) {
    const std::string s = prefix + "transformer.layer." + std::to_string(i) + ".";
    t.linear(
        layer_name(i, "attention.qkv"),
        {{s + "attention.q_lin.weight"},
         {s + "attention.k_lin.weight"},
         {s + "attention.v_lin.weight"}},
        {{s + "attention.q_lin.bias"}, {s + "attention.k_lin.bias"}, {s + "attention.v_lin.bias"}},
        h, h);
    t.linear(layer_name(i, "attention.out"), s + "attention.out_lin", true, h, h);
    t.norm(layer_name(i, "attention.norm"), s + "sa_layer_norm", h);
    if (c.feed_forward.kind == FeedForwardKind::fff) {
      t.fff(layer_name(i, "ffn"), s + "ffn");
    } else {
      t.linear(layer_name(i, "ffn.in"), s + "ffn.lin1", true, c.feed_forward.width, h);
      t.linear(layer_name(i, "ffn.out"), s + "ffn.lin2", true, h, c.feed_forward.width);
    }
    t.norm(layer_name(i, "ffn.norm"), s + "output_layer_norm", h);
  }
  const auto labels = static_cast<std::int64_t>(c.labels.size());
  switch (c.head) {
    case HeadKind::none:
      break;
    case HeadKind::masked_lm:
      t.linear("head.transform", "vocab_transform", true, h, h);
      t.norm("head.norm", "vocab_layer_norm", h);
      // Tied: transformers reads the word embedding whatever the file holds for the projector.
      t.linear("head.decoder", {{c.tied_decoder ? word : "vocab_projector.weight"}},
               {{"vocab_projector.bias"}}, c.vocab_size, h);
      break;
    case HeadKind::sequence_classification:
      t.linear("head.transform", "pre_classifier", true, h, h);
      t.linear("head.classifier", "classifier", true, labels, h);
      break;
    case HeadKind::token_classification:
      t.linear("head.classifier", "classifier", true, labels, h);
      break;
    case HeadKind::question_answering:
      t.linear("head.classifier", "qa_outputs", true, labels, h);
      break;
  }
  return t.take();
}

std::vector<PackedSpec> bert_table(const ModelConfig& c, const WeightTypes& types,
                                   const std::string& prefix) {
  Table t(c, types);
  const std::int64_t h = c.hidden;
  const std::string word = prefix + "embeddings.word_embeddings.weight";
  t.words({word});
  t.rows("embeddings.position", {prefix + "embeddings.position_embeddings.weight"}, c.max_positions,
         h);
  if (c.type_vocab > 0) {
    t.rows("embeddings.type", {prefix + "embeddings.token_type_embeddings.weight"}, c.type_vocab,
           h);
  }
  t.norm("embeddings.norm", prefix + "embeddings.LayerNorm", h);
  for (int i = 0; i < c.layers; ++i) {
    const std::string s = prefix + "encoder.layer." + std::to_string(i) + ".";
    const std::string a = s + "attention.self.";
    t.linear(layer_name(i, "attention.qkv"),
             {{a + "query.weight"}, {a + "key.weight"}, {a + "value.weight"}},
             {{a + "query.bias"}, {a + "key.bias"}, {a + "value.bias"}}, h, h);
    t.linear(layer_name(i, "attention.out"), s + "attention.output.dense", true, h, h);
    t.norm(layer_name(i, "attention.norm"), s + "attention.output.LayerNorm", h);
    if (c.feed_forward.kind == FeedForwardKind::fff) {
      t.fff(layer_name(i, "ffn"), s + "ffn");
    } else {
      t.linear(layer_name(i, "ffn.in"), s + "intermediate.dense", true, c.feed_forward.width, h);
      t.linear(layer_name(i, "ffn.out"), s + "output.dense", true, h, c.feed_forward.width);
    }
    t.norm(layer_name(i, "ffn.norm"), s + "output.LayerNorm", h);
  }
  const auto labels = static_cast<std::int64_t>(c.labels.size());
  switch (c.head) {
    case HeadKind::none:
      break;
    case HeadKind::masked_lm:
      t.linear("head.transform", "cls.predictions.transform.dense", true, h, h);
      t.norm("head.norm", "cls.predictions.transform.LayerNorm", h);
      t.linear("head.decoder", {{c.tied_decoder ? word : "cls.predictions.decoder.weight"}},
               {{"cls.predictions.bias", "cls.predictions.decoder.bias"}}, c.vocab_size, h);
      break;
    case HeadKind::sequence_classification:
      t.linear("head.transform", prefix + "pooler.dense", true, h, h);
      t.linear("head.classifier", "classifier", true, labels, h);
      break;
    case HeadKind::token_classification:
      t.linear("head.classifier", "classifier", true, labels, h);
      break;
    case HeadKind::question_answering:
      t.linear("head.classifier", "qa_outputs", true, labels, h);
      break;
  }
  return t.take();
}

std::vector<PackedSpec> crammed_table(const ModelConfig& c, const WeightTypes& types,
                                      const std::string& prefix) {
  Table t(c, types);
  const std::int64_t h = c.hidden;
  const std::string word = prefix + "embedding.word_embedding.weight";
  t.words({word});
  switch (c.positions) {
    case PositionKind::none:
      break;
    case PositionKind::learned:
      t.rows("embeddings.position", {prefix + "embedding.pos_embedding.embedding.weight"},
             c.max_positions, h);
      break;
    case PositionKind::sinusoidal:
    case PositionKind::scaled_sinusoidal: {
      PackedSpec table{
          .name = "embeddings.position", .layout = Layout::rows, .shape = {c.max_positions, h}};
      table.sinusoidal = true;
      if (c.positions == PositionKind::scaled_sinusoidal) {
        table.sources.push_back({{prefix + "embedding.pos_embedding.scale_factor"}, {1}});
      }
      t.add(std::move(table));
      break;
    }
  }
  if (c.embedding_norm) t.norm("embeddings.norm", prefix + "embedding.norm", h);
  for (int i = 0; i < c.layers; ++i) {
    const std::string s = prefix + "layers." + std::to_string(i) + ".";
    t.norm(layer_name(i, "attention.norm"), s + "norm1", h);
    t.linear(layer_name(i, "attention.qkv"), s + "attn.self_attention.query_key_value",
             c.attention_bias, 3 * h, h, RowOrder::heads_of_qkv);
    t.linear(layer_name(i, "attention.out"), s + "attn.dense", c.projection_bias, h, h);
    t.norm(layer_name(i, "ffn.norm"), s + "norm2", h);
    const FeedForwardConfig& ff = c.feed_forward;
    if (ff.kind == FeedForwardKind::fff) {
      t.fff(layer_name(i, "ffn"), s + "ffn");
    } else {
      const bool glu = ff.kind == FeedForwardKind::glu;
      t.linear(layer_name(i, "ffn.in"), s + "ffn.dense_in", ff.bias, ff.width, h,
               glu ? RowOrder::gate_first : RowOrder::as_stored);
      t.linear(layer_name(i, "ffn.out"), s + "ffn.dense_out", ff.bias, h,
               glu ? ff.width / 2 : ff.width);
    }
  }
  if (c.final_norm) t.norm("final_norm", prefix + "final_norm", h);
  const auto labels = static_cast<std::int64_t>(c.labels.size());
  switch (c.head) {
    case HeadKind::masked_lm:
      if (c.head_transform) {
        t.linear("head.transform", "prediction_head.dense", c.projection_bias, h, h);
        t.norm("head.norm", "prediction_head.norm", h);
      }
      t.linear("head.decoder", {{word}},
               c.decoder_bias ? std::vector<Names>{{"decoder.bias"}} : std::vector<Names>{},
               c.vocab_size, h);
      break;
    case HeadKind::sequence_classification:
      t.linear("head.transform", "pooler.dense", true, c.head_width, h);
      t.linear("head.classifier", "head", true, labels, c.head_width);
      break;
    default:
      break;
  }
  return t.take();
}

}  // namespace

kernels::DType WeightTypes::of(const std::string& product) const {
  const auto it = exceptions.find(product);
  return it == exceptions.end() ? products : it->second;
}

kernels::DType parse_weight_type(const std::string& name, const std::string& what) {
  for (const auto type : {kernels::DType::f32, kernels::DType::bf16, kernels::DType::int8}) {
    if (name == to_string(type)) return type;
  }
  throw Error(ErrorCode::unsupported, what + ": expected f32, bf16 or int8, found '" + name + "'");
}

const char* to_string(kernels::DType type) noexcept {
  switch (type) {
    case kernels::DType::f32:
      return "f32";
    case kernels::DType::bf16:
      return "bf16";
    case kernels::DType::int8:
      return "int8";
  }
  return "?";
}

std::vector<PackedSpec> weight_table(const ModelConfig& config, const WeightTypes& types,
                                     const std::string& prefix) {
  switch (config.architecture) {
    case Architecture::distilbert:
      return distilbert_table(config, types, prefix);
    case Architecture::bert:
      return bert_table(config, types, prefix);
    case Architecture::crammed_bert:
      return crammed_table(config, types, prefix);
  }
  return {};
}

bool is_tied(const ModelConfig& config) {
  return config.head == HeadKind::masked_lm && config.tied_decoder;
}

std::string head_prefix(Architecture architecture) {
  switch (architecture) {
    case Architecture::distilbert:
      return "distilbert.";
    case Architecture::bert:
      return "bert.";
    case Architecture::crammed_bert:
      return "encoder.";
  }
  return "";
}

std::string word_embedding_name(Architecture architecture) {
  return architecture == Architecture::crammed_bert ? "embedding.word_embedding.weight"
                                                    : "embeddings.word_embeddings.weight";
}

std::string label_tensor_name(const ModelConfig& config) {
  switch (config.head) {
    case HeadKind::none:
    case HeadKind::masked_lm:
      return "";
    case HeadKind::question_answering:
      return "qa_outputs.weight";
    case HeadKind::token_classification:
      return "classifier.weight";
    case HeadKind::sequence_classification:
      return config.architecture == Architecture::crammed_bert ? "head.weight"
                                                               : "classifier.weight";
  }
  return "";
}

}  // namespace sapwood
