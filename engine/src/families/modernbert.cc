// ModernBERT (arXiv 2412.13663), as transformers' ModernBertModel has it: norms before the blocks, gates, rotary positions,
// hardly any biases, and attention that reaches the whole text in every third layer alone.
#include <string>

#include "architecture/family.h"
#include "base/quote.h"
#include "families/bert_like.h"
#include "families/rotary.h"
#include "graph/encoders.h"

namespace sapwood::families::modernbert {
namespace {

// Every head has ModernBertPredictionHead before its last layer.
constexpr HeadClass head_class(std::string_view suffix, HeadKind kind, std::string_view output) {
  return {.suffix = suffix,
          .kind = kind,
          .transform = "head.dense",
          .norm = "head.norm",
          .output = output};
}

constexpr HeadClass kHeads[] = {
    {.suffix = "Model"},
    head_class("ForMaskedLM", HeadKind::masked_lm, "decoder"),
    head_class("ForSequenceClassification", HeadKind::sequence_classification, "classifier"),
    head_class("ForTokenClassification", HeadKind::token_classification, "classifier"),
    head_class("ForQuestionAnswering", HeadKind::question_answering, "classifier")};

constexpr std::string_view kHarmless[] = {
    // Training alone.
    "attention_dropout", "embedding_dropout", "mlp_dropout", "initializer_cutoff_factor",
    "sparse_prediction", "sparse_pred_ignore_index", "repad_logits_with_grad",
    // How the reference computes what stays the same.
    "deterministic_flash_attn", "reference_compile",
    // What the checkpoints say beside local_rope_theta and norm_eps; nothing in transformers reads them.
    "position_embedding_type", "layer_norm_eps"};

// transformers 5 lists what each layer's attention is.
void parse_layer_types(const ConfigFields& fields, ModelConfig& config) {
  if (!fields.has("layer_types")) return;
  const std::vector<JsonValue> types = fields.at("layer_types").items();
  const auto is_local = [&](std::size_t i) {
    const std::string_view type = types[i].string();
    if (type != "sliding_attention" && type != "full_attention") {
      fields.fail_at("layer_types",
                     "expected full_attention or sliding_attention, found " + quote(type),
                     ErrorCode::unsupported);
    }
    return type == "sliding_attention";
  };
  config.global_every = 1;
  while (config.global_every < config.layers &&
         static_cast<std::size_t>(config.global_every) < types.size() &&
         is_local(static_cast<std::size_t>(config.global_every))) {
    ++config.global_every;
  }
  bool regular = types.size() == static_cast<std::size_t>(config.layers);
  for (int i = 0; regular && i < config.layers; ++i) {
    regular = is_local(static_cast<std::size_t>(i)) == config.is_local(i);
  }
  fields.refuse_if(!regular, "layer_types",
                   "expected full_attention in the first layer and in every n-th after it, "
                   "sliding_attention in the others, one a layer");
}

void parse_attention(const ConfigFields& fields, ModelConfig& config) {
  config.attention_bias = config.projection_bias = fields.boolean("attention_bias", false);
  config.local_reach = fields.integer("local_attention", 0, kMaxPositions, 128) / 2;
  config.global_every = fields.integer("global_attn_every_n_layers", 1, kMaxLayers, 3);
  parse_layer_types(fields, config);
  config.positions = PositionKind::rotary;
  check_rotary_heads(fields, config);
  fields.refuse_if(fields.has("rope_scaling"), "rope_scaling",
                   "scaled rotary embeddings are not supported");
  const double global = fields.positive("global_rope_theta", kMostRotaryBase, 160000);
  // transformers takes the other one where this is null, and 10,000 where it is absent.
  const bool is_null = fields.has_null("local_rope_theta");
  const double local =
      fields.positive("local_rope_theta", kMostRotaryBase, is_null ? global : 10000);
  if (!fields.has("rope_parameters")) {
    config.rotary_base = global;
    config.local_rotary_base = local;
    return;
  }
  const ConfigFields rotary = fields.object("rope_parameters");
  config.rotary_base = read_rotary(rotary, "full_attention", global);
  config.local_rotary_base = read_rotary(rotary, "sliding_attention", local);
}

void parse_head(const ConfigFields& fields, ModelConfig& config) {
  config.tied_decoder = fields.boolean("tie_word_embeddings", true);
  config.decoder_bias = fields.boolean("decoder_bias", true);
  config.head_bias = fields.boolean("classifier_bias", false);
  config.head_activation = fields.activation("classifier_activation", "gelu");
  config.head_width = config.hidden;
  const std::string_view pooling = fields.string("classifier_pooling", "cls");
  if (pooling == "mean") {
    config.head_pooling = PoolingMode::mean;
  } else if (pooling != "cls") {
    fields.fail_at("classifier_pooling", "expected cls or mean, found " + quote(pooling),
                   ErrorCode::unsupported);
  }
}

void parse(const ConfigFields& fields, ModelConfig& config) {
  config.vocab_size = fields.integer("vocab_size", 1, kMaxVocabulary, 50368);
  config.hidden = fields.integer("hidden_size", 1, kMaxWidth, 768);
  config.layers = fields.integer("num_hidden_layers", 1, kMaxLayers, 22);
  config.heads = fields.integer("num_attention_heads", 1, kMaxWidth, 12);
  check_heads(fields, "num_attention_heads", config);
  config.max_positions = fields.integer("max_position_embeddings", 1, kMaxPositions, 8192);
  config.norm_eps = fields.epsilon("norm_eps", 1e-5f);
  config.norm_bias = fields.boolean("norm_bias", false);
  config.final_norm = true;
  FeedForwardConfig& ff = config.feed_forward;
  ff.kind = FeedForwardKind::glu;
  ff.width = 2 * fields.integer("intermediate_size", 1, kMaxWidth, 1152);
  ff.activation = fields.activation("hidden_activation", "gelu");
  ff.bias = fields.boolean("mlp_bias", false);
  parse_attention(fields, config);
  parse_head(fields, config);
}

void layer_tensors(Table& table, const ModelConfig& config, int i, const std::string& stored) {
  const auto part = [i](const char* name) { return layer_name(i, name); };
  const auto bias = [](bool has) { return has ? Bias::yes : Bias::no; };
  const std::int64_t hidden = config.hidden, width = config.feed_forward.width;
  if (i > 0) {
    table.norm(part("attention.norm"), stored + "attn_norm", hidden, bias(config.norm_bias));
  }
  table.linear(part("attention.qkv"), stored + "attn.Wqkv", bias(config.attention_bias), 3 * hidden,
               hidden);
  table.linear(part("attention.out"), stored + "attn.Wo", bias(config.projection_bias), hidden,
               hidden);
  table.norm(part("ffn.norm"), stored + "mlp_norm", hidden, bias(config.norm_bias));
  table.linear(part("ffn.in"), stored + "mlp.Wi", bias(config.feed_forward.bias), width, hidden);
  table.linear(part("ffn.out"), stored + "mlp.Wo", bias(config.feed_forward.bias), hidden,
               width / 2);
}

void tensors(Table& table, const ModelConfig& config, const std::string& prefix) {
  const Bias norm_bias = config.norm_bias ? Bias::yes : Bias::no;
  table.words({prefix + "embeddings.tok_embeddings.weight"});
  table.norm("embeddings.norm", prefix + "embeddings.norm", config.hidden, norm_bias);
  table.rotary("rotary", config.rotary_base);
  if (config.global_every > 1) table.rotary("rotary.local", config.local_rotary_base);
  for (int i = 0; i < config.layers; ++i) {
    layer_tensors(table, config, i, prefix + "layers." + std::to_string(i) + ".");
  }
  table.norm("final_norm", prefix + "final_norm", config.hidden, norm_bias);
}

}  // namespace

extern const Family kFamily = {.model_type = "modernbert",
                               .class_prefix = "ModernBert",
                               .encoder_prefix = "model.",
                               .word_embedding = "embeddings.tok_embeddings.weight",
                               .heads = kHeads,
                               .harmless_keys = kHarmless,
                               .parse = parse,
                               .tensors = tensors,
                               .encoder = normed_pre_norm_encoder};

}  // namespace sapwood::families::modernbert
