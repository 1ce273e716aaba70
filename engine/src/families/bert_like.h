// What BERT and its descendants have in common: keys of config.json, and tensors.
#pragma once

#include <string>

#include "config/fields.h"
#include "weights/table.h"

namespace sapwood {

// What an absent key of config.json means: BERT's defaults.
struct BertDefaults {
  int vocabulary = 30522, hidden = 768, heads = 12, width = 3072;
};

// The keys of BERT's config.json; of heads, tie_word_embeddings alone. Decoders, and positions that
// are no table, are Error unsupported.
void parse_bert_fields(const ConfigFields& fields, ModelConfig& config,
                       const BertDefaults& defaults = {});

// Positions that leave out padding, as RoBERTa's do: the rows of the position table up to the one of the padding's id belong to
// no token. Sets padding_id and max_positions.
void skip_padding_positions(const ConfigFields& fields, int padding, ModelConfig& config);

// Names of modules. Those of a layer stand behind "<layers><number of the layer>."; the defaults are BERT's, which most
// of its descendants keep.
struct EncoderNames {
  std::string embeddings = "embeddings.";
  std::string word = "word_embeddings", position = "position_embeddings",
              type = "token_type_embeddings", embedding_norm = "LayerNorm";
  std::string layers = "encoder.layer.";
  std::string query = "attention.self.query", key = "attention.self.key",
              value = "attention.self.value", attention_out = "attention.output.dense",
              attention_norm = "attention.output.LayerNorm";
  std::string ffn_in = "intermediate.dense", ffn_out = "output.dense",
              ffn_norm = "output.LayerNorm";
  std::string project = "embeddings_project";  // where the embeddings are of another size
};

// What post_norm_encoder() (graph/encoders.h) reads.
void post_norm_tensors(Table& table, const ModelConfig& config, const std::string& prefix,
                       const EncoderNames& names);
// The same under BERT's names.
void bert_tensors(Table& table, const ModelConfig& config, const std::string& prefix);

}  // namespace sapwood
