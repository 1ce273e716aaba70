// What a checkpoint has more than its configuration asks for.
#pragma once

#include <string>

#include "base/notices.h"
#include "checkpoint/tensor_source.h"
#include "sapwood/config.h"

namespace sapwood {

// A notice where the checkpoint has more layers than the configuration: transformers leaves them out too, with a warning.
// `prefix`: encoder_prefix().
void tell_layers_left_out(const TensorSource& source, const ModelConfig& config,
                          const std::string& prefix, Notices& notices);

}  // namespace sapwood
