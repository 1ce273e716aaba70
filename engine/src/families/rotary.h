// What config.json says about rotary position embeddings.
#pragma once

#include "config/fields.h"

namespace sapwood {

// The base of the frequencies, of an object as transformers 5 writes it: {"rope_type": "default", "rope_theta": 10000}.
// `fallback` where there is none. Other types are Error unsupported.
double read_rotary(const ConfigFields& fields, std::string_view key, double fallback);

// Error unsupported unless a head has halves.
void check_rotary_heads(const ConfigFields& fields, const ModelConfig& config);

}  // namespace sapwood
