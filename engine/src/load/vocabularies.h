// Whether a model has a row for each token of its tokenizer: asked wherever a model is loaded, converted or checked.
#pragma once

#include <string>

#include "base/notices.h"
#include "sapwood/config.h"
#include "sapwood/tokenizer/tokenizer.h"

namespace sapwood {

// Throws Error mismatch for a static embedding that lacks rows: its whole table was made from the tokenizer. Where an encoder
// lacks them it is a notice: a token or two that were added and never trained harm only the texts that have them. `where` is
// what messages call the model.
void compare_vocabularies(const ModelConfig& config, const Tokenizer& tokenizer,
                          const std::string& where, Notices& notices);

}  // namespace sapwood
