// add_prefix_space and trim_offsets of tokenizer_config.json beside a tokenizer.json that says otherwise.
#pragma once

#include "base/json.h"
#include "tokenizer_config.h"

namespace sapwood {

// Puts into a tokenizer.json what transformers makes of it: its classes for RoBERTa and GPT-2 (4.57 and 5.24) and those for
// XLM-RoBERTa and CamemBERT (5.24) let the configuration count. Each change, and each setting that the class does not let
// count, is a notice. Error malformed for components that are no objects.
void settle_prefix_space(JsonDocument& tokenizer, TokenizerConfig& config);

}  // namespace sapwood
