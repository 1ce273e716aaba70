// Reader of pytorch_model.bin: a zip archive with a pickle (torch.save since PyTorch 1.6), or bare
// pickles (before).
//
// A pickle is a program. This reader runs none of it: it knows the opcodes that torch.save emits,
// builds plain values, and understands exactly these names: collections.OrderedDict,
// torch._utils._rebuild_tensor_v2, _rebuild_tensor and _rebuild_parameter, torch.*Storage, torch.Size. Anything else
// is an error that names it.
#pragma once

#include <filesystem>

#include "base/mapped_file.h"
#include "checkpoint/tensor_source.h"

namespace sapwood {

// The tensors of a state dict: a flat dict, or one wrapped in a dict as "state_dict" or "model".
// Values that are not tensors are ignored. Tensors come out contiguous (views and transposes are
// copied); tied tensors share memory. The storages of an archive are read into memory.
// Throws Error malformed (damaged archive or pickle, storage too small), unsupported (a name that
// is not known, compressed entries, big-endian data).
TensorSource open_pytorch_bin(InputFile file);
TensorSource open_pytorch_bin(const std::filesystem::path& path);

}  // namespace sapwood
