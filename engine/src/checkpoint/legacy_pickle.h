// What torch.save wrote before PyTorch 1.6, and writes with _use_new_zipfile_serialization=False.
//
// Five pickles one after the other (a magic number, the protocol, facts about the system, the value, the keys of its
// storages in their order), then for each storage the number of its elements in 8 bytes and the elements
// (torch/serialization.py, _legacy_save).
#pragma once

#include "base/mapped_file.h"
#include "checkpoint/tensor_source.h"

namespace sapwood {

// The tensors of a state dict, whose bytes stay in the file. Errors as open_pytorch_bin.
TensorSource open_legacy_pickle(MappedFile file);

}  // namespace sapwood
