// ELECTRA (arXiv 2003.10555), as transformers' ElectraModel has it: BERT whose tables may be narrower than its layers.
#include "architecture/family.h"
#include "families/bert_like.h"
#include "graph/encoders.h"

namespace sapwood::families::electra {
namespace {

constexpr HeadClass kHeads[] = {{.suffix = "Model"},
                                {.suffix = "ForPreTraining",
                                 .kind = HeadKind::replaced_token_detection,
                                 .transform = "discriminator_predictions.dense",
                                 .output = "discriminator_predictions.dense_prediction"},
                                {.suffix = "ForMaskedLM",
                                 .kind = HeadKind::masked_lm,
                                 .transform = "generator_predictions.dense",
                                 .norm = "generator_predictions.LayerNorm",
                                 .output = "generator_lm_head"},
                                {.suffix = "ForSequenceClassification",
                                 .kind = HeadKind::sequence_classification,
                                 .transform = "classifier.dense",
                                 .output = "classifier.out_proj"},
                                kTokenClassificationHead,
                                kQuestionAnsweringHead};

// How ElectraForMultipleChoice makes one vector of a text; no head here reads them.
constexpr std::string_view kHarmless[] = {"summary_activation", "summary_first_dropout",
                                          "summary_last_dropout", "summary_type",
                                          "summary_use_proj"};

void parse(const ConfigFields& fields, ModelConfig& config) {
  parse_bert_fields(fields, config, {.hidden = 256, .heads = 4, .width = 1024});
  config.embedding_size = fields.integer("embedding_size", 1, kMaxWidth, 128);
  config.head_width = config.head == HeadKind::masked_lm ? config.embedding_size : config.hidden;
  // The discriminator's own head takes the layers' activation; the others have gelu in their code.
  config.head_activation = config.head == HeadKind::replaced_token_detection
                               ? config.feed_forward.activation
                               : Activation::gelu;
}

}  // namespace

extern const Family kFamily = {.model_type = "electra",
                               .class_prefix = "Electra",
                               .encoder_prefix = "electra.",
                               .word_embedding = "embeddings.word_embeddings.weight",
                               .heads = kHeads,
                               .harmless_keys = kHarmless,
                               .parse = parse,
                               .tensors = bert_tensors,
                               .encoder = post_norm_encoder};

}  // namespace sapwood::families::electra
