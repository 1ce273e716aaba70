// What stands before the names of a checkpoint's tensors.
#pragma once

#include <string>

#include "architecture/family.h"
#include "base/notices.h"
#include "checkpoint/tensor_source.h"
#include "sapwood/config.h"

namespace sapwood {

// Of the encoder's tensors: models saved with a head carry their family's prefix, bare encoders mostly do not. Throws
// Error mismatch where there is no word embedding, naming the prefix before one that is there under another name.
std::string encoder_prefix(const TensorSource& source, const ModelConfig& config);

// Takes off what a wrapper of the model left before all names ("module." of DistributedDataParallel, "0.auto_model." of
// sentence-transformers, "question_encoder.bert_model." of DPR), with a notice. Names that are the family's own stay.
// Throws Error mismatch where two wrapped models are in one checkpoint.
void strip_wrapper(TensorSource& source, const Family& family, Notices& notices);

}  // namespace sapwood
