#include "families/bert_like.h"

namespace sapwood {
namespace {

void layer_tensors(Table& table, const ModelConfig& config, int i, const std::string& stored,
                   const EncoderNames& names) {
  const auto part = [i](const char* name) { return layer_name(i, name); };
  const std::int64_t hidden = config.hidden;
  const std::string q = stored + names.query, k = stored + names.key, v = stored + names.value;
  table.linear(part("attention.qkv"), {{q + ".weight"}, {k + ".weight"}, {v + ".weight"}},
               {{q + ".bias"}, {k + ".bias"}, {v + ".bias"}}, hidden, hidden);
  table.linear(part("attention.out"), stored + names.attention_out, Bias::yes, hidden, hidden);
  table.norm(part("attention.norm"), stored + names.attention_norm, hidden);
  if (config.feed_forward.kind == FeedForwardKind::fff) {
    table.fff(part("ffn"), stored + "ffn");
  } else {
    const std::int64_t width = config.feed_forward.width;
    table.linear(part("ffn.in"), stored + names.ffn_in, Bias::yes, width, hidden);
    table.linear(part("ffn.out"), stored + names.ffn_out, Bias::yes, hidden, width);
  }
  table.norm(part("ffn.norm"), stored + names.ffn_norm, hidden);
}

}  // namespace

void parse_bert_fields(const ConfigFields& fields, ModelConfig& config,
                       const BertDefaults& defaults) {
  config.vocab_size = fields.integer("vocab_size", 1, kMaxVocabulary, defaults.vocabulary);
  config.hidden = fields.integer("hidden_size", 1, kMaxWidth, defaults.hidden);
  config.layers = fields.integer("num_hidden_layers", 1, kMaxLayers, 12);
  config.heads = fields.integer("num_attention_heads", 1, kMaxWidth, defaults.heads);
  check_heads(fields, "num_attention_heads", config);
  config.max_positions = fields.integer("max_position_embeddings", 1, kMaxPositions, 512);
  config.type_vocab = fields.integer("type_vocab_size", 0, kMaxWidth, 2);
  config.norm_eps = fields.epsilon("layer_norm_eps", 1e-12f);
  config.feed_forward.width = fields.integer("intermediate_size", 1, kMaxWidth, defaults.width);
  config.feed_forward.activation = fields.activation("hidden_act", "gelu");
  config.tied_decoder = fields.boolean("tie_word_embeddings", true);
  fields.refuse_if(fields.string("position_embedding_type", "absolute") != "absolute",
                   "position_embedding_type", "only absolute position embeddings are supported");
  fields.refuse_if(fields.has("alibi_starting_size"), "alibi_starting_size",
                   "attention with linear biases (ALiBi) is not supported");
  fields.refuse_if(fields.boolean("is_decoder", false), "is_decoder", "decoders are not supported");
  fields.refuse_if(fields.boolean("add_cross_attention", false), "add_cross_attention",
                   "cross attention is not supported");
  parse_feed_forward(fields, config);
}

void skip_padding_positions(const ConfigFields& fields, int padding, ModelConfig& config) {
  if (padding + 1 >= config.max_positions) {
    fields.fail_at("max_position_embeddings",
                   "positions begin behind pad_token_id, which is " + std::to_string(padding) +
                       ": expected at least " + std::to_string(padding + 2) + ", found " +
                       std::to_string(config.max_positions),
                   ErrorCode::mismatch);
  }
  config.padding_id = padding;
  config.max_positions -= padding + 1;
}

void post_norm_tensors(Table& table, const ModelConfig& config, const std::string& prefix,
                       const EncoderNames& names) {
  const std::string embeddings = prefix + names.embeddings;
  const std::int64_t size = config.embedding_size;
  table.words({embeddings + names.word + ".weight"});
  // With a padding id the table begins at its row, which stands before those of the tokens.
  const int first = config.padding_id.value_or(0);
  table.rows("embeddings.position", {embeddings + names.position + ".weight"},
             config.max_positions + (config.padding_id ? 1 : 0), size, first);
  if (config.type_vocab > 0) {
    table.rows("embeddings.type", {embeddings + names.type + ".weight"}, config.type_vocab, size);
  }
  table.norm("embeddings.norm", embeddings + names.embedding_norm, size);
  if (size != config.hidden) {
    table.linear("embeddings.project", prefix + names.project, Bias::yes, config.hidden, size);
  }
  for (int i = 0; i < config.layers; ++i) {
    layer_tensors(table, config, i, prefix + names.layers + std::to_string(i) + ".", names);
  }
}

void bert_tensors(Table& table, const ModelConfig& config, const std::string& prefix) {
  post_norm_tensors(table, config, prefix, {});
}

}  // namespace sapwood
