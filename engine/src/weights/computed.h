// Tables that a model has by its configuration: positions, and biases of attention.
#pragma once

#include "sapwood/config.h"
#include "weights/weight_table.h"

namespace sapwood {

// Writes the table of a spec that is computed. `source`: the spec's source as floats, or null where it has none.
void fill_computed(const PackedSpec& spec, const ModelConfig& config, const float* source,
                   float* out);

}  // namespace sapwood
