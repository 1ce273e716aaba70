// The limits on one text, as the tokenizer takes them.
#pragma once

#include "sapwood/model.h"

namespace sapwood {

// The end of a text that is cut: what was asked for, else what the tokenizer's files say.
Direction direction_of(const Model& model, const LengthOptions& length);

// One window, with offsets. Throws Error invalid_argument for a max_length above the model's positions.
EncodeOptions encode_options(const Model& model, const LengthOptions& length);

}  // namespace sapwood
