// MPNet (arXiv 2004.09297), as transformers' MPNetModel has it: BERT whose attention adds a bias for each distance, shared
// by the layers, and whose positions leave out padding, with RoBERTa's heads. There are no token types.
#include <string>

#include "architecture/family.h"
#include "families/bert_like.h"
#include "families/roberta_heads.h"
#include "graph/encoders.h"

namespace sapwood::families::mpnet {
namespace {

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
  parse_roberta_heads(config);
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
                               .heads = kRobertaHeads,
                               .harmless_keys = {},
                               .parse = parse,
                               .tensors = tensors,
                               .encoder = post_norm_encoder};

}  // namespace sapwood::families::mpnet
