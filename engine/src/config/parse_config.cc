#include "config/parse_config.h"

#include <charconv>
#include <map>

#include "base/quote.h"

namespace sapwood {
namespace {

// Bounds that no real model comes near, so that products of them cannot overflow 64 bits.
constexpr int kMaxVocabulary = 1 << 24;
constexpr int kMaxWidth = 1 << 16;
constexpr int kMaxLayers = 1 << 10;
constexpr int kMaxPositions = 1 << 20;
constexpr int kMaxTrees = 1 << 12;
constexpr int kMaxDepth = 24;

void refuse(const JsonValue& fields, const char* key, bool condition, const std::string& why) {
  if (condition) fields.fail_at(key, why, ErrorCode::unsupported);
}

// A number in (0, 1): a variance of exactly zero divides by the root of it.
float parse_epsilon(const JsonValue& fields, const char* key, float fallback) {
  if (!fields.has(key)) return fallback;
  const JsonValue value = fields.at(key);
  const double number = value.is_number() ? value.number() : 0;
  if (!(number > 1e-30 && number < 1)) {
    value.expected("a number greater than 0 and less than 1");
  }
  return static_cast<float>(number);
}

Activation parse_activation(const JsonValue& fields, const char* key, std::string_view fallback) {
  static const std::map<std::string_view, Activation> kinds = {
      {"gelu", Activation::gelu},
      {"gelu_new", Activation::gelu_tanh},
      {"gelu_fast", Activation::gelu_tanh},
      {"gelu_pytorch_tanh", Activation::gelu_tanh},
      {"relu", Activation::relu},
      {"tanh", Activation::tanh},
      {"GELU", Activation::gelu},
      {"ReLU", Activation::relu},
      {"Tanh", Activation::tanh}};
  const std::string_view name = fields.string(key, fallback);
  const auto it = kinds.find(name);
  if (it == kinds.end()) {
    fields.fail_at(
        key, "activation " + quote(name) + " is not supported; gelu, gelu_new, relu and tanh are",
        ErrorCode::unsupported);
  }
  return it->second;
}

// "feed_forward": {"type": "fff", "depth": 11, "trees": 1, "dense_width": 0} in distilbert and bert
// configurations.
void parse_feed_forward(const JsonValue& fields, ModelConfig& config) {
  if (!fields.has("feed_forward")) return;
  const JsonValue ff = fields.object("feed_forward");
  const std::string_view type = ff.string("type");
  if (type == "dense") return;
  if (type != "fff") {
    ff.fail_at("type", "expected 'fff' or 'dense', found " + quote(type), ErrorCode::unsupported);
  }
  refuse(ff, "leaf_width", ff.has("leaf_width"), "leaves with a width are not supported");
  config.feed_forward.kind = FeedForwardKind::fff;
  config.feed_forward.depth = ff.integer("depth", 0, kMaxDepth);
  config.feed_forward.trees = ff.integer("trees", 1, kMaxTrees, 1);
  config.feed_forward.dense_width = ff.integer("dense_width", 0, kMaxTrees, 0);
}

HeadKind parse_head(const JsonValue& fields, std::string_view model_type) {
  static const std::map<std::string_view, HeadKind> kinds = {
      {"Model", HeadKind::none},
      {"ForMaskedLM", HeadKind::masked_lm},
      {"ForPreTraining", HeadKind::masked_lm},
      {"ForSequenceClassification", HeadKind::sequence_classification},
      {"ForTokenClassification", HeadKind::token_classification},
      {"ForQuestionAnswering", HeadKind::question_answering}};
  static const std::map<std::string_view, std::string_view> prefixes = {
      {"distilbert", "DistilBert"}, {"bert", "Bert"}, {"crammedBERT", "ScriptableLM"}};
  if (!fields.has("architectures")) return HeadKind::none;
  const std::vector<JsonValue> list = fields.at("architectures").items();
  if (list.empty()) fields.fail_at("architectures", "expected a list with one class name");
  const std::string_view name = list.front().string();
  const std::string_view prefix = prefixes.at(model_type);
  if (name.starts_with(prefix)) {
    const std::string_view rest = name.substr(prefix.size());
    if (rest.empty()) return HeadKind::none;  // ScriptableLM, the bare crammedBERT encoder
    if (const auto it = kinds.find(rest); it != kinds.end()) return it->second;
  }
  fields.fail_at("architectures",
                 quote(name) + " is not supported for " + std::string(model_type) +
                     "; a bare encoder and heads for masked LM, sequence classification, token "
                     "classification and question answering are",
                 ErrorCode::unsupported);
}

void parse_labels(const JsonValue& fields, ModelConfig& config) {
  if (fields.has("problem_type")) {
    const std::string_view type = fields.string("problem_type");
    if (type == "multi_label_classification") {
      config.problem = ProblemType::multi_label;
    } else if (type == "regression") {
      config.problem = ProblemType::regression;
    } else if (type != "single_label_classification") {
      fields.fail_at("problem_type", "unknown problem type " + quote(type), ErrorCode::unsupported);
    }
  }
  if (!fields.has("id2label")) return;
  const JsonValue map = fields.object("id2label");
  const std::size_t count = map.size();
  config.labels.resize(count);
  std::vector<bool> seen(count, false);
  for (const JsonValue label : map.members()) {
    const std::string_view key = label.key();
    std::size_t id = count;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    const bool number = error == std::errc{} && end == key.data() + key.size();
    if (!number || id >= count || seen[id]) {
      map.fail("expected the ids 0 to " + std::to_string(count - 1) + " once each, found " +
               quote(key));
    }
    seen[id] = true;
    config.labels[id] = label.string();
  }
}

void check_heads(const JsonValue& fields, const char* key, const ModelConfig& config) {
  if (config.hidden % config.heads != 0) {
    fields.fail_at(key,
                   std::to_string(config.heads) + " heads do not divide a hidden size of " +
                       std::to_string(config.hidden),
                   ErrorCode::mismatch);
  }
}

ModelConfig parse_distilbert(const JsonValue& fields) {
  ModelConfig config;
  config.architecture = Architecture::distilbert;
  config.vocab_size = fields.integer("vocab_size", 1, kMaxVocabulary, 30522);
  config.hidden = fields.integer("dim", 1, kMaxWidth, 768);
  config.layers = fields.integer("n_layers", 1, kMaxLayers, 6);
  config.heads = fields.integer("n_heads", 1, kMaxWidth, 12);
  check_heads(fields, "n_heads", config);
  config.max_positions = fields.integer("max_position_embeddings", 1, kMaxPositions, 512);
  // With sinusoidal_pos_embds the table is computed once and stored like a learned one.
  config.feed_forward.width = fields.integer("hidden_dim", 1, kMaxWidth, 3072);
  config.feed_forward.activation = parse_activation(fields, "activation", "gelu");
  parse_feed_forward(fields, config);
  config.head = parse_head(fields, "distilbert");
  config.tied_decoder = fields.boolean("tie_word_embeddings", true);
  config.head_width = config.hidden;
  if (config.head == HeadKind::sequence_classification) config.head_activation = Activation::relu;
  if (config.head == HeadKind::masked_lm) config.head_activation = config.feed_forward.activation;
  parse_labels(fields, config);
  return config;
}

ModelConfig parse_bert(const JsonValue& fields) {
  ModelConfig config;
  config.architecture = Architecture::bert;
  config.vocab_size = fields.integer("vocab_size", 1, kMaxVocabulary, 30522);
  config.hidden = fields.integer("hidden_size", 1, kMaxWidth, 768);
  config.layers = fields.integer("num_hidden_layers", 1, kMaxLayers, 12);
  config.heads = fields.integer("num_attention_heads", 1, kMaxWidth, 12);
  check_heads(fields, "num_attention_heads", config);
  config.max_positions = fields.integer("max_position_embeddings", 1, kMaxPositions, 512);
  config.type_vocab = fields.integer("type_vocab_size", 0, kMaxWidth, 2);
  config.norm_eps = parse_epsilon(fields, "layer_norm_eps", 1e-12f);
  config.feed_forward.width = fields.integer("intermediate_size", 1, kMaxWidth, 3072);
  config.feed_forward.activation = parse_activation(fields, "hidden_act", "gelu");
  refuse(fields, "position_embedding_type",
         fields.string("position_embedding_type", "absolute") != "absolute",
         "only absolute position embeddings are supported");
  refuse(fields, "is_decoder", fields.boolean("is_decoder", false), "decoders are not supported");
  refuse(fields, "add_cross_attention", fields.boolean("add_cross_attention", false),
         "cross attention is not supported");
  parse_feed_forward(fields, config);
  config.head = parse_head(fields, "bert");
  config.tied_decoder = fields.boolean("tie_word_embeddings", true);
  config.head_width = config.hidden;
  if (config.head == HeadKind::sequence_classification) config.head_activation = Activation::tanh;
  if (config.head == HeadKind::masked_lm) config.head_activation = config.feed_forward.activation;
  parse_labels(fields, config);
  return config;
}

// The layout of the authors' code: training/cramming/architectures of pbelcak/UltraFastBERT.
ModelConfig parse_crammed(const JsonValue& fields) {
  const JsonValue arch = fields.object("arch");
  const JsonValue embedding = arch.object("embedding");
  const JsonValue attention = arch.object("attention");
  ModelConfig config;
  config.architecture = Architecture::crammed_bert;
  config.pre_norm = true;
  config.vocab_size = embedding.integer("vocab_size", 1, kMaxVocabulary);
  config.hidden = arch.integer("hidden_size", 1, kMaxWidth);
  const int embedding_dim = embedding.integer("embedding_dim", 1, kMaxWidth, config.hidden);
  if (embedding_dim != config.hidden) {
    embedding.fail_at("embedding_dim",
                      "expected the hidden size " + std::to_string(config.hidden) + ", found " +
                          std::to_string(embedding_dim),
                      ErrorCode::unsupported);
  }
  config.layers = arch.integer("num_transformer_layers", 1, kMaxLayers);
  config.heads = attention.integer("num_attention_heads", 1, kMaxWidth);
  check_heads(attention, "num_attention_heads", config);
  config.max_positions = embedding.integer("max_seq_length", 1, kMaxPositions);
  const std::string_view positions = embedding.string("pos_embedding", "none");
  config.positions = positions == "learned"             ? PositionKind::learned
                     : positions == "sinusoidal"        ? PositionKind::sinusoidal
                     : positions == "scaled-sinusoidal" ? PositionKind::scaled_sinusoidal
                                                        : PositionKind::none;
  config.embedding_norm = embedding.boolean("normalization", true);
  config.norm_eps = parse_epsilon(arch, "norm_eps", 1e-12f);
  config.final_norm = arch.boolean("final_norm", true);
  config.attention_bias = attention.boolean("qkv_bias", false);
  const bool use_bias = arch.boolean("use_bias", false);
  config.projection_bias = use_bias;

  refuse(arch, "norm", arch.string("norm", "LayerNorm") != "LayerNorm",
         "only LayerNorm is supported");
  refuse(arch, "norm_scheme", arch.string("norm_scheme", "pre") != "pre",
         "only the pre-norm scheme is supported");
  refuse(arch, "ffn_layer_frequency", arch.integer("ffn_layer_frequency", 1, kMaxLayers, 1) != 1,
         "only a feedforward block in every layer is supported");
  refuse(attention, "type", attention.string("type", "self-attention") != "self-attention",
         "only 'self-attention' is supported");
  refuse(attention, "causal_attention", attention.boolean("causal_attention", false),
         "causal attention is not supported");
  refuse(attention, "skip_output_projection", attention.boolean("skip_output_projection", false),
         "an attention without output product is not supported");
  refuse(attention, "sequence_op",
         attention.string("sequence_op", "torch-softmax") != "torch-softmax",
         "only 'torch-softmax' is supported");
  if (attention.has("rotary_embedding")) {
    const JsonValue rotary = attention.at("rotary_embedding");
    refuse(attention, "rotary_embedding", !rotary.is_boolean() || rotary.boolean(),
           "rotary embeddings are not supported");
  }

  FeedForwardConfig& ff = config.feed_forward;
  ff.bias = use_bias;
  const std::string_view nonlin = arch.string("nonlin", "GELU");
  const std::string_view type = arch.string("intermed_type", "ff");
  if (type == "fff") {
    refuse(arch, "nonlin", nonlin != "GELU", "fast feedforward is supported with GELU only");
    ff.kind = FeedForwardKind::fff;
    ff.depth = arch.integer("intermed_depth", 0, kMaxDepth);
    ff.trees = arch.integer("intermed_size", 1, kMaxTrees);
  } else if (type == "ff") {
    ff.width = arch.integer("intermed_size", 1, kMaxWidth);
    if (nonlin == "GELUglu") {
      ff.kind = FeedForwardKind::glu;
      refuse(arch, "intermed_size", ff.width % 2 != 0, "a gated layer needs an even width");
    } else {
      ff.activation = parse_activation(arch, "nonlin", "GELU");
    }
  } else {
    arch.fail_at("intermed_type", "expected 'fff' or 'ff', found " + quote(type),
                 ErrorCode::unsupported);
  }

  config.head = parse_head(fields, "crammedBERT");
  if (config.head == HeadKind::masked_lm) {
    config.head_transform = !arch.boolean("skip_head_transform", true);
    config.decoder_bias = arch.boolean("decoder_bias", false);
    // The head's activation is the layer's without its gate.
    config.head_activation =
        nonlin == "GELUglu" ? Activation::gelu : parse_activation(arch, "nonlin", "GELU");
  }
  if (config.head == HeadKind::sequence_classification) {
    const JsonValue head = arch.object("classification_head");
    const std::string_view pooler = head.string("pooler", "avg");
    if (pooler == "avg") {
      config.head_pooling = PoolingMode::mean;
    } else if (pooler == "max") {
      config.head_pooling = PoolingMode::max;
    } else if (pooler != "zero_index") {
      head.fail_at("pooler", "expected avg, max or zero_index, found " + quote(pooler),
                   ErrorCode::unsupported);
    }
    refuse(head, "include_ff_layer", !head.boolean("include_ff_layer", true),
           "a classification head without its dense layer is not supported");
    config.head_activation = parse_activation(head, "nonlin", "Tanh");
    config.head_width = head.integer("head_dim", 1, kMaxWidth);
  }
  parse_labels(fields, config);
  return config;
}

}  // namespace

ModelConfig parse_config(const JsonValue& fields) {
  const std::string_view type = fields.string("model_type");
  if (type == "distilbert") return parse_distilbert(fields);
  if (type == "bert") return parse_bert(fields);
  if (type == "crammedBERT") return parse_crammed(fields);
  fields.fail_at("model_type",
                 quote(type) + " is not supported; distilbert, bert and crammedBERT are",
                 ErrorCode::unsupported);
}

void resolve_labels(ModelConfig& config, int head_rows) {
  if (config.head == HeadKind::none || config.head == HeadKind::masked_lm) {
    config.labels.clear();
    return;
  }
  if (config.head == HeadKind::question_answering) {
    if (head_rows != 2) {
      throw Error(
          ErrorCode::mismatch,
          "qa_outputs.weight: expected 2 rows (start and end), found " + std::to_string(head_rows));
    }
    config.labels = {"start", "end"};
    return;
  }
  if (head_rows < 1) {
    throw Error(ErrorCode::mismatch,
                "the classification head: expected rows, one for each label, found " +
                    std::to_string(head_rows));
  }
  if (config.labels.empty()) {
    for (int i = 0; i < head_rows; ++i) config.labels.push_back("LABEL_" + std::to_string(i));
  }
  if (static_cast<int>(config.labels.size()) != head_rows) {
    throw Error(ErrorCode::mismatch, "the configuration's id2label has " +
                                         std::to_string(config.labels.size()) +
                                         " labels, but the classification head has " +
                                         std::to_string(head_rows) + " rows");
  }
}

}  // namespace sapwood
