// NomicBERT (arXiv 2402.01613), as modeling_hf_nomic_bert.py of nomic-ai/contrastors has it, whose names of keys and tensors
// the published checkpoints keep, and as transformers' NomicBertModel: BERT with rotary positions and a gated feedforward.
#include <algorithm>
#include <string>

#include "architecture/family.h"
#include "base/quote.h"
#include "families/bert_like.h"
#include "families/rotary.h"
#include "graph/encoders.h"

namespace sapwood::families::nomic_bert {
namespace {

constexpr HeadClass kMaskedLm = {.kind = HeadKind::masked_lm,
                                 .transform = "cls.predictions.transform.dense",
                                 .norm = "cls.predictions.transform.layer_norm",
                                 .output = "cls.predictions.decoder",
                                 .output_bias = "cls.predictions.bias"};

constexpr HeadClass kHeads[] = {{.suffix = "Model"},
                                with_suffix(kMaskedLm, "ForMaskedLM"),
                                with_suffix(kMaskedLm, "ForPreTraining"),
                                {.suffix = "ForSequenceClassification",
                                 .kind = HeadKind::sequence_classification,
                                 .transform = "pooler.dense",
                                 .transform_in_encoder = true,
                                 .output = "classifier"},
                                kTokenClassificationHead};

constexpr std::string_view kHarmless[] = {
    // Training alone.
    "attn_pdrop", "embd_pdrop", "resid_pdrop",
    // How the reference computes what stays the same.
    "fused_bias_fc", "fused_dropout_add_ln", "use_flash_attn", "use_xentropy", "dense_seq_output",
    "last_layer_subset", "auto_map",
    // Of GPT-2's configuration, whose class it is; nothing in the model reads them.
    "reorder_and_upcast_attn", "scale_attn_by_inverse_layer_idx", "scale_attn_weights",
    "summary_activation", "summary_first_dropout", "summary_proj_to_labels", "summary_type",
    "summary_use_proj", "parallel_block_tied_norm",
    // Whether the encoder has a pooler, which only a classifier reads.
    "add_pooling_layer"};

void parse_activation(const ConfigFields& fields, ModelConfig& config) {
  const std::string_view name = fields.string("activation_function", "gelu");
  config.feed_forward.kind = FeedForwardKind::glu;
  config.feed_forward.width *= 2;
  if (name == "swiglu") {
    config.feed_forward.activation = Activation::silu;
  } else if (name == "geglu") {
    config.feed_forward.activation = Activation::gelu;
  } else {
    fields.fail_at("activation_function", "expected swiglu or geglu, found " + quote(name),
                   ErrorCode::unsupported);
  }
}

// What the reference code could compute and the engine does not.
void refuse_variants(const ConfigFields& fields) {
  fields.refuse_if(fields.boolean("prenorm", false), "prenorm",
                   "only norms behind the blocks are supported");
  fields.refuse_if(fields.boolean("causal", false), "causal", "causal attention is not supported");
  fields.refuse_if(fields.boolean("parallel_block", false), "parallel_block",
                   "parallel blocks are not supported");
  fields.refuse_if(fields.boolean("use_rms_norm", false), "use_rms_norm",
                   "only LayerNorm is supported");
  fields.refuse_if(fields.boolean("rotary_emb_interleaved", false), "rotary_emb_interleaved",
                   "only rotary embeddings of halves are supported");
  fields.refuse_if(fields.boolean("rotary_head_dim", false), "rotary_head_dim",
                   "rotation along the heads is not supported");
  fields.refuse_if(fields.has("rotary_emb_scale_base"), "rotary_emb_scale_base",
                   "scaled rotary embeddings are not supported");
  fields.refuse_if(fields.has("num_heads_kv"), "num_heads_kv",
                   "fewer heads of keys than of queries are not supported");
  fields.refuse_if(
      fields.has("moe_every_n_layers") && fields.integer("moe_every_n_layers", -1, kMaxLayers) > 0,
      "moe_every_n_layers", "mixtures of experts are not supported");
  if (fields.has("rotary_emb_fraction")) {
    const JsonValue fraction = fields.at("rotary_emb_fraction");
    fields.refuse_if(!fraction.is_number() || fraction.number() != 1, "rotary_emb_fraction",
                     "only rotary embeddings of whole heads are supported: expected 1");
  }
}

// The reference's own keys, which come from GPT-2's configuration.
void parse_published(const ConfigFields& fields, ModelConfig& config) {
  config.vocab_size = fields.integer("vocab_size", 1, kMaxVocabulary);
  const int multiple = fields.integer("pad_vocab_size_multiple", 1, kMaxWidth, 1);
  config.vocab_size = (config.vocab_size + multiple - 1) / multiple * multiple;
  config.hidden = fields.integer("n_embd", 1, kMaxWidth);
  config.layers = fields.integer("n_layer", 1, kMaxLayers);
  config.heads = fields.integer("n_head", 1, kMaxWidth);
  check_heads(fields, "n_head", config);
  const int positions =
      fields.has("n_positions") ? fields.integer("n_positions", -1, kMaxPositions) : 0;
  config.max_positions = positions > 0 ? positions : 2048;
  const int trained = fields.has("max_trained_positions")
                          ? fields.integer("max_trained_positions", 1, kMaxPositions)
                          : config.max_positions;
  // Longer texts would have other frequencies, by their own lengths.
  fields.refuse_if(fields.has("rotary_scaling_factor") && trained < config.max_positions,
                   "rotary_scaling_factor",
                   "scaled rotary embeddings are not supported: make it null, or n_positions "
                   "max_trained_positions, which is " +
                       std::to_string(trained));
  config.rotary_base = fields.positive("rotary_emb_base", kMostRotaryBase, 10000);
  config.type_vocab = fields.integer("type_vocab_size", 0, kMaxWidth, 0);
  config.norm_eps = fields.epsilon("layer_norm_epsilon", 1e-5f);
  config.attention_bias = config.projection_bias = fields.boolean("qkv_proj_bias", true);
  config.feed_forward.width = fields.integer("n_inner", 1, kMaxWidth);
  config.feed_forward.bias = fields.boolean("mlp_fc1_bias", true);
  if (config.head == HeadKind::masked_lm) {
    config.head_bias = config.decoder_bias = config.feed_forward.bias;
  }
  fields.refuse_if(fields.boolean("mlp_fc2_bias", true) != config.feed_forward.bias, "mlp_fc2_bias",
                   "biases are supported in all products of a feedforward or in none");
  parse_activation(fields, config);
  refuse_variants(fields);
}

void parse_transformers(const ConfigFields& fields, ModelConfig& config) {
  parse_bert_fields(fields, config, {.vocabulary = 30528});
  fields.refuse_if(config.feed_forward.kind != FeedForwardKind::dense, "feed_forward",
                   "trees are not supported in this family");
  if (!fields.has("max_position_embeddings")) config.max_positions = 2048;
  config.feed_forward.activation = fields.activation("hidden_act", "silu");
  config.feed_forward.kind = FeedForwardKind::glu;
  config.feed_forward.width *= 2;
  config.attention_bias = config.projection_bias = config.feed_forward.bias = false;
  fields.refuse_if(
      fields.has("head_dim") && fields.integer("head_dim", 1, kMaxWidth) != config.head_dim(),
      "head_dim", "heads that do not share the hidden size are not supported");
  config.rotary_base = read_rotary(fields, "rope_parameters", 1000);
}

void parse(const ConfigFields& fields, ModelConfig& config) {
  if (fields.has("n_embd")) {
    parse_published(fields, config);
  } else {
    parse_transformers(fields, config);
  }
  config.positions = PositionKind::rotary;
  check_rotary_heads(fields, config);
  config.head_width = config.hidden;
  if (config.head == HeadKind::sequence_classification) config.head_activation = Activation::tanh;
  if (config.head == HeadKind::masked_lm) config.head_activation = config.feed_forward.activation;
}

void layer_tensors(Table& table, const ModelConfig& config, int i, const std::string& stored) {
  const auto part = [i](const char* name) { return layer_name(i, name); };
  const auto bias = [](bool has) { return has ? Bias::yes : Bias::no; };
  const std::int64_t hidden = config.hidden, inner = config.feed_forward.width / 2;
  table.linear(part("attention.qkv"), stored + "attn.Wqkv", bias(config.attention_bias), 3 * hidden,
               hidden);
  table.linear(part("attention.out"), stored + "attn.out_proj", bias(config.projection_bias),
               hidden, hidden);
  table.norm(part("attention.norm"), stored + "norm1", hidden);
  // The gate is fc12.
  const std::string gate = stored + "mlp.fc12", value = stored + "mlp.fc11";
  std::vector<Names> biases;
  if (config.feed_forward.bias) biases = {{gate + ".bias"}, {value + ".bias"}};
  table.linear(part("ffn.in"), {{gate + ".weight"}, {value + ".weight"}}, biases, inner, hidden);
  table.linear(part("ffn.out"), stored + "mlp.fc2", bias(config.feed_forward.bias), hidden, inner);
  table.norm(part("ffn.norm"), stored + "norm2", hidden);
}

void tensors(Table& table, const ModelConfig& config, const std::string& prefix) {
  table.words({prefix + "embeddings.word_embeddings.weight"});
  if (config.type_vocab > 0) {
    table.rows("embeddings.type", {prefix + "embeddings.token_type_embeddings.weight"},
               config.type_vocab, config.hidden);
  }
  table.norm("embeddings.norm", prefix + "emb_ln", config.hidden);
  table.rotary("rotary", config.rotary_base);
  for (int i = 0; i < config.layers; ++i) {
    layer_tensors(table, config, i, prefix + "encoder.layers." + std::to_string(i) + ".");
  }
}

}  // namespace

extern const Family kFamily = {.model_type = "nomic_bert",
                               .class_prefix = "NomicBert",
                               .encoder_prefix = "bert.",
                               .other_prefix = "nomic_bert.",
                               .word_embedding = "embeddings.word_embeddings.weight",
                               .heads = kHeads,
                               .harmless_keys = kHarmless,
                               .parse = parse,
                               .tensors = tensors,
                               .encoder = post_norm_encoder};

}  // namespace sapwood::families::nomic_bert
