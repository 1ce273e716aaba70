// The limits on one text, as the tokenizer takes them.
#pragma once

#include "sapwood/model.h"

namespace sapwood {

// The end of a text that is cut: what was asked for, else what the tokenizer's files say.
Direction direction_of(const Model& model, const LengthOptions& length);

// One window, with offsets. Throws Error invalid_argument for a max_length above the model's positions.
EncodeOptions encode_options(const Model& model, const LengthOptions& length);

// Tokenizer::encode_into, and what the model's family does besides (StaticEmbeddingConfig). `pair` may be null.
void encode_text(const Model& model, Encoding& out, EncodeScratch& scratch, std::string_view text,
                 const std::string_view* pair, const EncodeOptions& options);

// np.median of the characters that a tokenizer's tokens have, rounded down.
int median_token_length(const Tokenizer& tokenizer);

}  // namespace sapwood
