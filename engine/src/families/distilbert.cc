// DistilBERT (arXiv 1910.01108), as transformers' DistilBertModel has it: BERT without token types and pooler.
#include "architecture/family.h"
#include "families/bert_like.h"
#include "graph/encoders.h"

namespace sapwood::families::distilbert {
namespace {

constexpr HeadClass kHeads[] = {{.suffix = "Model"},
                                {.suffix = "ForMaskedLM",
                                 .kind = HeadKind::masked_lm,
                                 .transform = "vocab_transform",
                                 .norm = "vocab_layer_norm",
                                 .output = "vocab_projector"},
                                {.suffix = "ForSequenceClassification",
                                 .kind = HeadKind::sequence_classification,
                                 .transform = "pre_classifier",
                                 .output = "classifier"},
                                kTokenClassificationHead,
                                kQuestionAnsweringHead};

constexpr std::string_view kHarmless[] = {
    // Training alone.
    "dropout", "attention_dropout", "qa_dropout", "seq_classif_dropout",
    // In the first checkpoints; nothing in transformers reads it.
    "tie_weights_",
    // The table is computed once and stored like a learned one.
    "sinusoidal_pos_embds"};

void parse(const ConfigFields& fields, ModelConfig& config) {
  config.vocab_size = fields.integer("vocab_size", 1, kMaxVocabulary, 30522);
  config.hidden = fields.integer("dim", 1, kMaxWidth, 768);
  config.layers = fields.integer("n_layers", 1, kMaxLayers, 6);
  config.heads = fields.integer("n_heads", 1, kMaxWidth, 12);
  check_heads(fields, "n_heads", config);
  config.max_positions = fields.integer("max_position_embeddings", 1, kMaxPositions, 512);
  config.feed_forward.width = fields.integer("hidden_dim", 1, kMaxWidth, 3072);
  config.feed_forward.activation = fields.activation("activation", "gelu");
  parse_feed_forward(fields, config);
  config.tied_decoder = fields.boolean("tie_word_embeddings", true);
  config.head_width = config.hidden;
  if (config.head == HeadKind::sequence_classification) config.head_activation = Activation::relu;
  if (config.head == HeadKind::masked_lm) config.head_activation = config.feed_forward.activation;
}

void tensors(Table& table, const ModelConfig& config, const std::string& prefix) {
  EncoderNames names;
  names.layers = "transformer.layer.";
  names.query = "attention.q_lin";
  names.key = "attention.k_lin";
  names.value = "attention.v_lin";
  names.attention_out = "attention.out_lin";
  names.attention_norm = "sa_layer_norm";
  names.ffn_in = "ffn.lin1";
  names.ffn_out = "ffn.lin2";
  names.ffn_norm = "output_layer_norm";
  post_norm_tensors(table, config, prefix, names);
}

}  // namespace

extern const Family kFamily = {.model_type = "distilbert",
                               .class_prefix = "DistilBert",
                               .encoder_prefix = "distilbert.",
                               .word_embedding = "embeddings.word_embeddings.weight",
                               .heads = kHeads,
                               .harmless_keys = kHarmless,
                               .parse = parse,
                               .tensors = tensors,
                               .encoder = post_norm_encoder};

}  // namespace sapwood::families::distilbert
