// The limits on one text, as the tokenizer takes them.
#pragma once

#include "sapwood/model.h"

namespace sapwood {

// One window, with offsets. Throws Error invalid_argument for a max_length above the model's positions.
EncodeOptions encode_options(const Model& model, const LengthOptions& length);

}  // namespace sapwood
