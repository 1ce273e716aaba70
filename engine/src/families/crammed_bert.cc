// crammedBERT with dense feedforward or trees: UltraFastBERT (arXiv 2311.10770). The layout is that of the authors' code,
// training/cramming/architectures of pbelcak/UltraFastBERT.
#include "architecture/family.h"
#include "base/quote.h"
#include "graph/encoders.h"
#include "weights/table.h"

namespace sapwood::families::crammed_bert {
namespace {

constexpr HeadClass kMaskedLm = {.suffix = "ForMaskedLM",
                                 .kind = HeadKind::masked_lm,
                                 .transform = "prediction_head.dense",
                                 .norm = "prediction_head.norm",
                                 .output = "decoder"};

constexpr HeadClass kHeads[] = {{.suffix = ""},
                                kMaskedLm,
                                {.suffix = "ForPreTraining",
                                 .kind = kMaskedLm.kind,
                                 .transform = kMaskedLm.transform,
                                 .norm = kMaskedLm.norm,
                                 .output = kMaskedLm.output},
                                {.suffix = "ForSequenceClassification",
                                 .kind = HeadKind::sequence_classification,
                                 .transform = "pooler.dense",
                                 .output = "head"}};

constexpr std::string_view kHarmless[] = {
    // Training, and how the authors' code computes what stays the same.
    "arch.architectures", "arch.attention.dropout_prob", "arch.attention.seq_op_in_fp32",
    "arch.classification_head.classifier_dropout", "arch.embedding.dropout_prob",
    "arch.embedding.stable_low_precision", "arch.hidden_dropout_prob", "arch.init", "arch.loss",
    "arch.num_labels", "arch.objective_layout", "arch.sparse_prediction",
    // The tokenizer's own files say which it is.
    "arch.embedding.pad_token_id",
    // Read only where they count: for trees, and by the head that has them.
    "arch.intermed_depth", "arch.skip_head_transform", "arch.decoder_bias", "arch.tie_weights",
    "arch.classification_head"};

void parse_embedding(const ConfigFields& embedding, ModelConfig& config) {
  config.vocab_size = embedding.integer("vocab_size", 1, kMaxVocabulary);
  const int size = embedding.integer("embedding_dim", 1, kMaxWidth, config.hidden);
  if (size != config.hidden) {
    embedding.fail_at("embedding_dim",
                      "expected the hidden size " + std::to_string(config.hidden) + ", found " +
                          std::to_string(size),
                      ErrorCode::unsupported);
  }
  config.max_positions = embedding.integer("max_seq_length", 1, kMaxPositions);
  const std::string_view positions = embedding.string("pos_embedding", "none");
  config.positions = positions == "learned"             ? PositionKind::learned
                     : positions == "sinusoidal"        ? PositionKind::sinusoidal
                     : positions == "scaled-sinusoidal" ? PositionKind::scaled_sinusoidal
                                                        : PositionKind::none;
  config.embedding_norm = embedding.boolean("normalization", true);
}

void parse_attention(const ConfigFields& attention, ModelConfig& config) {
  config.heads = attention.integer("num_attention_heads", 1, kMaxWidth);
  check_heads(attention, "num_attention_heads", config);
  config.attention_bias = attention.boolean("qkv_bias", false);
  attention.refuse_if(attention.string("type", "self-attention") != "self-attention", "type",
                      "only 'self-attention' is supported");
  attention.refuse_if(attention.boolean("causal_attention", false), "causal_attention",
                      "causal attention is not supported");
  attention.refuse_if(attention.boolean("skip_output_projection", false), "skip_output_projection",
                      "an attention without output product is not supported");
  attention.refuse_if(attention.string("sequence_op", "torch-softmax") != "torch-softmax",
                      "sequence_op", "only 'torch-softmax' is supported");
  if (!attention.has("rotary_embedding")) return;
  const JsonValue rotary = attention.at("rotary_embedding");
  attention.refuse_if(!rotary.is_boolean() || rotary.boolean(), "rotary_embedding",
                      "rotary embeddings are not supported");
}

void parse_feed_forward_of(const ConfigFields& arch, ModelConfig& config) {
  FeedForwardConfig& ff = config.feed_forward;
  ff.bias = config.projection_bias;
  const std::string_view nonlin = arch.string("nonlin", "GELU");
  const std::string_view type = arch.string("intermed_type", "ff");
  if (type == "fff") {
    arch.refuse_if(nonlin != "GELU", "nonlin", "fast feedforward is supported with GELU only");
    ff.kind = FeedForwardKind::fff;
    ff.depth = arch.integer("intermed_depth", 0, kMaxDepth);
    ff.trees = arch.integer("intermed_size", 1, kMaxTrees);
  } else if (type == "ff") {
    ff.width = arch.integer("intermed_size", 1, kMaxWidth);
    if (nonlin == "GELUglu") {
      ff.kind = FeedForwardKind::glu;
      arch.refuse_if(ff.width % 2 != 0, "intermed_size", "a gated layer needs an even width");
    } else {
      ff.activation = arch.activation("nonlin", "GELU");
    }
  } else {
    arch.fail_at("intermed_type", "expected 'fff' or 'ff', found " + quote(type),
                 ErrorCode::unsupported);
  }
}

void parse_masked_lm(const ConfigFields& arch, ModelConfig& config) {
  config.head_width = config.hidden;
  config.head_transform = !arch.boolean("skip_head_transform", true);
  config.head_bias = config.projection_bias;
  config.decoder_bias = arch.boolean("decoder_bias", false);
  // The decoder is tied whatever `tie_weights` says: the authors' code does not read it.
  // The head's activation is the layer's without its gate.
  config.head_activation = config.feed_forward.kind == FeedForwardKind::glu
                               ? Activation::gelu
                               : arch.activation("nonlin", "GELU");
}

void parse_classification(const ConfigFields& head, ModelConfig& config) {
  const std::string_view pooler = head.string("pooler", "avg");
  if (pooler == "avg") {
    config.head_pooling = PoolingMode::mean;
  } else if (pooler == "max") {
    config.head_pooling = PoolingMode::max;
  } else if (pooler != "zero_index") {
    head.fail_at("pooler", "expected avg, max or zero_index, found " + quote(pooler),
                 ErrorCode::unsupported);
  }
  head.refuse_if(!head.boolean("include_ff_layer", true), "include_ff_layer",
                 "a classification head without its dense layer is not supported");
  config.head_activation = head.activation("nonlin", "Tanh");
  config.head_width = head.integer("head_dim", 1, kMaxWidth);
}

void parse(const ConfigFields& fields, ModelConfig& config) {
  const ConfigFields arch = fields.object("arch");
  config.hidden = arch.integer("hidden_size", 1, kMaxWidth);
  config.layers = arch.integer("num_transformer_layers", 1, kMaxLayers);
  parse_embedding(arch.object("embedding"), config);
  config.norm_eps = arch.epsilon("norm_eps", 1e-12f);
  config.final_norm = arch.boolean("final_norm", true);
  config.projection_bias = arch.boolean("use_bias", false);
  parse_attention(arch.object("attention"), config);
  arch.refuse_if(arch.string("norm", "LayerNorm") != "LayerNorm", "norm",
                 "only LayerNorm is supported");
  arch.refuse_if(arch.string("norm_scheme", "pre") != "pre", "norm_scheme",
                 "only the pre-norm scheme is supported");
  arch.refuse_if(arch.integer("ffn_layer_frequency", 1, kMaxLayers, 1) != 1, "ffn_layer_frequency",
                 "only a feedforward block in every layer is supported");
  parse_feed_forward_of(arch, config);
  if (config.head == HeadKind::masked_lm) parse_masked_lm(arch, config);
  if (config.head == HeadKind::sequence_classification) {
    parse_classification(arch.object("classification_head"), config);
  }
}

void position_tensors(Table& table, const ModelConfig& config, const std::string& prefix) {
  const std::string stored = prefix + "embedding.pos_embedding.";
  switch (config.positions) {
    case PositionKind::none:
      return;
    case PositionKind::learned:
      return table.rows("embeddings.position", {stored + "embedding.weight"}, config.max_positions,
                        config.hidden);
    case PositionKind::sinusoidal:
      return table.sinusoidal("embeddings.position", {});
    case PositionKind::scaled_sinusoidal:
      return table.sinusoidal("embeddings.position", {stored + "scale_factor"});
    case PositionKind::rotary:
      return;  // parse_attention() refuses it
  }
}

void layer_tensors(Table& table, const ModelConfig& config, int i, const std::string& stored) {
  const auto part = [i](const char* name) { return layer_name(i, name); };
  const auto bias = [](bool has) { return has ? Bias::yes : Bias::no; };
  const std::int64_t hidden = config.hidden;
  table.norm(part("attention.norm"), stored + "norm1", hidden);
  table.linear(part("attention.qkv"), stored + "attn.self_attention.query_key_value",
               bias(config.attention_bias), 3 * hidden, hidden, RowOrder::heads_of_qkv);
  table.linear(part("attention.out"), stored + "attn.dense", bias(config.projection_bias), hidden,
               hidden);
  table.norm(part("ffn.norm"), stored + "norm2", hidden);
  const FeedForwardConfig& ff = config.feed_forward;
  if (ff.kind == FeedForwardKind::fff) return table.fff(part("ffn"), stored + "ffn");
  const bool glu = ff.kind == FeedForwardKind::glu;
  table.linear(part("ffn.in"), stored + "ffn.dense_in", bias(ff.bias), ff.width, hidden,
               glu ? RowOrder::gate_first : RowOrder::as_stored);
  table.linear(part("ffn.out"), stored + "ffn.dense_out", bias(ff.bias), hidden,
               glu ? ff.width / 2 : ff.width);
}

void tensors(Table& table, const ModelConfig& config, const std::string& prefix) {
  table.words({prefix + "embedding.word_embedding.weight"});
  position_tensors(table, config, prefix);
  if (config.embedding_norm)
    table.norm("embeddings.norm", prefix + "embedding.norm", config.hidden);
  for (int i = 0; i < config.layers; ++i) {
    layer_tensors(table, config, i, prefix + "layers." + std::to_string(i) + ".");
  }
  if (config.final_norm) table.norm("final_norm", prefix + "final_norm", config.hidden);
}

}  // namespace

extern const Family kFamily = {.model_type = "crammedBERT",
                               .class_prefix = "ScriptableLM",
                               .encoder_prefix = "encoder.",
                               .word_embedding = "embedding.word_embedding.weight",
                               .heads = kHeads,
                               .harmless_keys = kHarmless,
                               .parse = parse,
                               .tensors = tensors,
                               .encoder = pre_norm_encoder};

}  // namespace sapwood::families::crammed_bert
