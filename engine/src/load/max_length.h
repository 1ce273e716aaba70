// How long the texts of a model may be: the one rule for models and for tokenizers without one.
#pragma once

#include <optional>

#include "sapwood/tokenizer/tokenizer.h"

namespace sapwood {

// In tokens: `sentence` (sentence_bert_config.json), else Tokenizer::max_length, else `positions`;
// never more than `positions`. Nothing where nothing says. `tokenizer` may be null.
std::optional<int> resolve_max_length(std::optional<int> sentence, const Tokenizer* tokenizer,
                                      std::optional<int> positions);

}  // namespace sapwood
