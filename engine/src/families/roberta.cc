// RoBERTa (arXiv 1907.11692), XLM-RoBERTa (arXiv 1911.02116) and CamemBERT (arXiv 1911.03894), as transformers'
// RobertaModel, XLMRobertaModel and CamembertModel have them: BERT whose positions leave out padding, with heads of its
// own. The three differ in their names, their tokenizers and what an absent vocab_size means. DistilRoBERTa is RoBERTa of
// 6 layers.
#include <string>

#include "architecture/family.h"
#include "families/bert_like.h"
#include "families/roberta_heads.h"
#include "graph/encoders.h"

namespace sapwood::families {
namespace {

template <int vocabulary>
void parse(const ConfigFields& fields, ModelConfig& config) {
  parse_bert_fields(fields, config, {.vocabulary = vocabulary});
  skip_padding_positions(fields, fields.integer("pad_token_id", 0, config.vocab_size - 1, 1),
                         config);
  parse_roberta_heads(config);
}

constexpr Family like_roberta(std::string_view model_type, std::string_view class_prefix,
                              void (*parse)(const ConfigFields&, ModelConfig&)) {
  return {.model_type = model_type,
          .class_prefix = class_prefix,
          .encoder_prefix = "roberta.",
          .word_embedding = "embeddings.word_embeddings.weight",
          .heads = kRobertaHeads,
          .harmless_keys = {},
          .parse = parse,
          .tensors = bert_tensors,
          .encoder = post_norm_encoder};
}

}  // namespace

namespace roberta {
extern const Family kFamily = like_roberta("roberta", "Roberta", parse<50265>);
}
namespace xlm_roberta {
extern const Family kFamily = like_roberta("xlm-roberta", "XLMRoberta", parse<30522>);
}
namespace camembert {
extern const Family kFamily = like_roberta("camembert", "Camembert", parse<30522>);
}

}  // namespace sapwood::families
