#include "weights/weight_table.h"

#include "checkpoint/tensor_source.h"
#include "sapwood/error.h"
#include "weights/table.h"

namespace sapwood {
namespace {

std::string layer_name(int layer, const char* part) {
  return "layers." + std::to_string(layer) + "." + part;
}

// What DistilBERT and BERT call the tensors of the same post-norm encoder and its heads.
struct PostNormNames {
  std::string layers;  // before the number of the layer; what follows it is relative to the layer
  std::string query, key, value, attention_out, attention_norm, ffn_in, ffn_out, ffn_norm;
  std::string mlm_transform, mlm_norm, mlm_decoder;
  Names mlm_bias;
  std::string sequence_transform;  // the dense layer before a sequence classifier
};

PostNormNames distilbert_names(const std::string& prefix) {
  return {.layers = prefix + "transformer.layer.",
          .query = "attention.q_lin",
          .key = "attention.k_lin",
          .value = "attention.v_lin",
          .attention_out = "attention.out_lin",
          .attention_norm = "sa_layer_norm",
          .ffn_in = "ffn.lin1",
          .ffn_out = "ffn.lin2",
          .ffn_norm = "output_layer_norm",
          .mlm_transform = "vocab_transform",
          .mlm_norm = "vocab_layer_norm",
          .mlm_decoder = "vocab_projector.weight",
          .mlm_bias = {"vocab_projector.bias"},
          .sequence_transform = "pre_classifier"};
}

PostNormNames bert_names(const std::string& prefix) {
  return {.layers = prefix + "encoder.layer.",
          .query = "attention.self.query",
          .key = "attention.self.key",
          .value = "attention.self.value",
          .attention_out = "attention.output.dense",
          .attention_norm = "attention.output.LayerNorm",
          .ffn_in = "intermediate.dense",
          .ffn_out = "output.dense",
          .ffn_norm = "output.LayerNorm",
          .mlm_transform = "cls.predictions.transform.dense",
          .mlm_norm = "cls.predictions.transform.LayerNorm",
          .mlm_decoder = "cls.predictions.decoder.weight",
          .mlm_bias = {"cls.predictions.bias", "cls.predictions.decoder.bias"},
          .sequence_transform = prefix + "pooler.dense"};
}

std::vector<PackedSpec> post_norm_table(const ModelConfig& c, const WeightTypes& types,
                                        const std::string& prefix, const PostNormNames& names) {
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
    const std::string s = names.layers + std::to_string(i) + ".";
    const std::string q = s + names.query, k = s + names.key, v = s + names.value;
    t.linear(layer_name(i, "attention.qkv"), {{q + ".weight"}, {k + ".weight"}, {v + ".weight"}},
             {{q + ".bias"}, {k + ".bias"}, {v + ".bias"}}, h, h);
    t.linear(layer_name(i, "attention.out"), s + names.attention_out, true, h, h);
    t.norm(layer_name(i, "attention.norm"), s + names.attention_norm, h);
    if (c.feed_forward.kind == FeedForwardKind::fff) {
      t.fff(layer_name(i, "ffn"), s + "ffn");
    } else {
      t.linear(layer_name(i, "ffn.in"), s + names.ffn_in, true, c.feed_forward.width, h);
      t.linear(layer_name(i, "ffn.out"), s + names.ffn_out, true, h, c.feed_forward.width);
    }
    t.norm(layer_name(i, "ffn.norm"), s + names.ffn_norm, h);
  }
  const auto labels = static_cast<std::int64_t>(c.labels.size());
  switch (c.head) {
    case HeadKind::none:
      break;
    case HeadKind::masked_lm:
      t.linear("head.transform", names.mlm_transform, true, h, h);
      t.norm("head.norm", names.mlm_norm, h);
      // Tied: transformers reads the word embedding whatever the file holds for the decoder.
      t.linear("head.decoder", {{c.tied_decoder ? word : names.mlm_decoder}}, {names.mlm_bias},
               c.vocab_size, h);
      break;
    case HeadKind::sequence_classification:
      t.linear("head.transform", names.sequence_transform, true, h, h);
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

kernels::DType WeightTypes::stored(const std::string& product, std::int64_t n,
                                   std::int64_t k) const {
  constexpr std::int64_t kSmall = 64;
  if (n < kSmall) return kernels::DType::f32;
  const kernels::DType type = of(product);
  const bool too_long = type == kernels::DType::int8 && k > kernels::kMostInt8Depth;
  return too_long ? kernels::DType::bf16 : type;
}

kernels::DType parse_weight_type(const std::string& name, const std::string& what) {
  for (const auto type : {kernels::DType::f32, kernels::DType::bf16, kernels::DType::int8}) {
    if (name == to_string(type)) return type;
  }
  throw Error(ErrorCode::unsupported, what + ": expected f32, bf16 or int8, found '" + name + "'");
}

kernels::DType dtype_of(WeightType type) noexcept {
  switch (type) {
    case WeightType::automatic:
    case WeightType::f32:
      break;
    case WeightType::bf16:
      return kernels::DType::bf16;
    case WeightType::int8:
      return kernels::DType::int8;
  }
  return kernels::DType::f32;
}

const char* to_string(kernels::DType type) noexcept {
  for (const WeightType named : {WeightType::f32, WeightType::bf16, WeightType::int8}) {
    if (dtype_of(named) == type)
      return to_string(named).data();  // a literal, so it ends with a zero
  }
  return "?";
}

namespace {

std::vector<PackedSpec> table_of(const ModelConfig& config, const WeightTypes& types,
                                 const std::string& prefix) {
  switch (config.architecture) {
    case Architecture::distilbert:
      return post_norm_table(config, types, prefix, distilbert_names(prefix));
    case Architecture::bert:
      return post_norm_table(config, types, prefix, bert_names(prefix));
    case Architecture::crammed_bert:
      return crammed_table(config, types, prefix);
  }
  return {};
}

}  // namespace

std::vector<PackedSpec> weight_table(const ModelConfig& config, const WeightTypes& types,
                                     const std::string& prefix) {
  std::vector<PackedSpec> table = table_of(config, types, prefix);
  for (const PackedSpec& spec : table) {
    // Kernels divide by sizes, and a product without outputs has nothing to split.
    if (std::all_of(spec.shape.begin(), spec.shape.end(), [](auto size) { return size > 0; })) {
      continue;
    }
    throw Error(ErrorCode::mismatch, "tensor '" + spec.name +
                                         "': the configuration makes its shape " +
                                         to_string(spec.shape) + ": every size must be positive");
  }
  return table;
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
