#include "load/vocabularies.h"

namespace sapwood {

void compare_vocabularies(const ModelConfig& config, const Tokenizer& tokenizer,
                          const std::string& where, Notices& notices) {
  // Behind the rows of a static embedding's tokens stands one for texts without any.
  const int rows = config.vocab_size - (config.static_embedding ? 1 : 0);
  const int tokens = tokenizer.vocab_size();
  if (tokens <= rows) return;
  const std::string found = where + ": the tokenizer has " + std::to_string(tokens) +
                            " tokens and the model's embedding only " + std::to_string(rows) +
                            " rows";
  if (config.static_embedding) {
    throw Error(ErrorCode::mismatch,
                found +
                    ": expected one for each token; take the tokenizer.json that the table was "
                    "made with, or make the table again with this one");
  }
  notices.add(found +
              "; a text with one of the others is an error: take the tokenizer that the model was "
              "trained with, or save the model with a row for each token "
              "(resize_token_embeddings in transformers)");
}

}  // namespace sapwood
