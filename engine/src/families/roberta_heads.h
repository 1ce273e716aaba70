// The heads of RoBERTa, which MPNet has too (transformers' RobertaLMHead, RobertaClassificationHead and MPNet's of the same
// form).
#pragma once

#include "architecture/family.h"

namespace sapwood {

inline constexpr HeadClass kRobertaHeads[] = {{.suffix = "Model"},
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
                                              kTokenClassificationHead,
                                              kQuestionAnsweringHead};

inline void parse_roberta_heads(ModelConfig& config) {
  config.head_width = config.hidden;
  // Whatever the layers' activation is: the heads have theirs in their code.
  if (config.head == HeadKind::sequence_classification) config.head_activation = Activation::tanh;
  if (config.head == HeadKind::masked_lm) config.head_activation = Activation::gelu;
}

}  // namespace sapwood
