// The decoders of tokenizer.json: from tokens back to text, step by step.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"

namespace sapwood {

// Takes the strings of tokens to others; what they come to is one after the other. Throws Error too_long
// where those become longer than kMaxDecodedBytes.
using DecoderStep = std::function<std::vector<std::string>(std::vector<std::string>)>;

inline constexpr std::size_t kMaxDecodedBytes = std::size_t{1} << 28;

// Error unsupported for a type that this version does not know, malformed for members that are missing
// or wrong.
DecoderStep make_decoder_step(const JsonValue& node);

}  // namespace sapwood
