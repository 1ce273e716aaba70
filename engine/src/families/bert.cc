// BERT (arXiv 1810.04805), as transformers' BertModel has it.
#include "architecture/family.h"
#include "families/bert_like.h"
#include "graph/encoders.h"

namespace sapwood::families::bert {
namespace {

constexpr HeadClass kMaskedLm = {.kind = HeadKind::masked_lm,
                                 .transform = "cls.predictions.transform.dense",
                                 .norm = "cls.predictions.transform.LayerNorm",
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
                                kTokenClassificationHead,
                                kQuestionAnsweringHead};

// Of Google's own configurations; nothing in transformers reads them.
constexpr std::string_view kHarmless[] = {
    "directionality", "pooler_fc_size", "pooler_num_attention_heads", "pooler_num_fc_layers",
    "pooler_size_per_head", "pooler_type", "output_intermediate",
    // Of TinyBERT and its descendants.
    "emb_size", "cell", "structure", "pre_trained", "training", "model_max_length"};

void parse(const ConfigFields& fields, ModelConfig& config) {
  parse_bert_fields(fields, config);
  config.head_width = config.hidden;
  if (config.head == HeadKind::sequence_classification) config.head_activation = Activation::tanh;
  if (config.head == HeadKind::masked_lm) config.head_activation = config.feed_forward.activation;
}

}  // namespace

extern const Family kFamily = {.model_type = "bert",
                               .class_prefix = "Bert",
                               .encoder_prefix = "bert.",
                               .word_embedding = "embeddings.word_embeddings.weight",
                               .heads = kHeads,
                               .harmless_keys = kHarmless,
                               .parse = parse,
                               .tensors = bert_tensors,
                               .encoder = post_norm_encoder};

}  // namespace sapwood::families::bert
