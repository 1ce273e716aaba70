// What int8 would do to each product of a model, measured before it is written.
#pragma once

#include <string>
#include <vector>

#include "sapwood/config.h"
#include "sapwood/tokenizer/tokenizer.h"
#include "weights/packed_weights.h"

namespace sapwood {

struct ProductError {
  std::string name;  // "layers.0.ffn.out"
  // Root of the mean squared error of the outputs, relative to the outputs; NaN where weights or
  // inputs are not finite.
  double error;
};

// Runs a model whose weights are f32 over sample texts (plain sentences where there is a tokenizer,
// and random ids) and computes every product that int8 files store in int8 once more in that type,
// weights and activations alike. The products of classifiers, which stay f32, are left out; so are
// trees, whose outputs differ by paths rather than by rounding. Throws Error isa_unavailable.
std::vector<ProductError> int8_errors(const ModelConfig& config, const PackedWeights& weights,
                                      const Tokenizer* tokenizer);

}  // namespace sapwood
