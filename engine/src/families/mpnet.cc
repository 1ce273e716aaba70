// MPNet (arXiv 2004.09297), as transformers' MPNetModel has it: BERT whose attention adds a bias for each distance, shared
// by the layers, and whose positions leave out padding, with RoBERTa's heads. There are no token types.
#include <string>

#include "architecture/family.h"
#include "families/bert_like.h"
#include "graph/encoders.h"

namespace sapwood::families::mpnet {
namespace {

constexpr HeadClass kHeads[] = {{.suffix = "Model"},
                                {.suffix = "ForMaskedLM",
                                 .kind = HeadKind::masked_lm,
                                 .transform = "lm_head.dense",
                                 .norm = "lm_head.layer_norm",
                                 .output = "lm_head.decoder",
                                 .output_bias = "lm_head.bias"},
                                {.suffix = "ForSequenceClassification",
                                 .kind = HeadKind::sequence_classification,
                                 .transform = "classifier.dense",
                                 .output = "classifier.out_proj"},
                                {.suffix = "ForTokenClassification",
                                 .kind = HeadKind::token_classification,
                                 .output = "classifier"},
                                {.suffix = "ForQuestionAnswering",
                                 .kind = HeadKind::question_answering,
                                 .output = "qa_outputs"}};

void parse(const ConfigFields& fields, ModelConfig& config) {
  parse_bert_fields(fields, config, {.vocabulary = 30527});
  config.type_vocab = 0;
  // MPNetEmbeddings takes 1 whatever pad_token_id says.
  skip_padding_positions(fields, 1, config);
  constexpr int kBuckets =
      32;  // what compute_position_bias() takes, whatever the configuration says
  config.relative_buckets =
      fields.integer("relative_attention_num_buckets", 1, kMaxWidth, kBuckets);
  fields.refuse_if(config.relative_buckets != kBuckets, "relative_attention_num_buckets",
                   "only 32 buckets are supported");
  config.head_width = config.hidden;
  // Whatever the layers' activation is: the heads have theirs in their code.
  if (config.head == HeadKind::sequence_classification) config.head_activation = Activation::tanh;
  if (config.head == HeadKind::masked_lm) config.head_activation = Activation::gelu;
}

void tensors(Table& table, const ModelConfig& config, const std::string& prefix) {
  EncoderNames names;
  names.query = "attention.attn.q";
  names.key = "attention.attn.k";
  names.value = "attention.attn.v";
  names.attention_out = "attention.attn.o";
  names.attention_norm = "attention.LayerNorm";
  post_norm_tensors(table, config, prefix, names);
  table.relative_bias({prefix + "encoder.relative_attention_bias.weight"});
}

}  // namespace

extern const Family kFamily = {.model_type = "mpnet",
                               .class_prefix = "MPNet",
                               .encoder_prefix = "mpnet.",
                               .word_embedding = "embeddings.word_embeddings.weight",
                               .heads = kHeads,
                               .harmless_keys = {},
                               .parse = parse,
                               .tensors = tensors,
                               .encoder = post_norm_encoder};

}  // namespace sapwood::families::mpnet
