#include "encode_options.h"

#include <string>

namespace sapwood {

Direction direction_of(const Model& model, const LengthOptions& length) {
  return length.direction.value_or(model.tokenizer().truncation_side());
}

EncodeOptions encode_options(const Model& model, const LengthOptions& length) {
  EncodeOptions options;
  options.max_length = length.max_length.value_or(model.max_length());
  if (*options.max_length > model.config().max_positions) {
    throw Error(ErrorCode::invalid_argument, "max_length: expected at most the model's " +
                                                 std::to_string(model.config().max_positions) +
                                                 " positions, found " +
                                                 std::to_string(*options.max_length));
  }
  options.truncation = length.truncation;
  options.truncation_direction = direction_of(model, length);
  options.parse_special_tokens = length.parse_special_tokens;
  options.overflowing = false;
  return options;
}

}  // namespace sapwood
