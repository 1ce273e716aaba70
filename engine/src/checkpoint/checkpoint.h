// Weights of any supported format, by file or directory.
#pragma once

#include <filesystem>

#include "base/file.h"
#include "checkpoint/tensor_source.h"

namespace sapwood {

// The weights of a model directory: model.safetensors, model.safetensors.index.json,
// pytorch_model.bin or pytorch_model.bin.index.json, the first that is there. Error not_found where
// there is none; else as the readers.
TensorSource open_checkpoint(const Folder& folder);

// A directory, or one of those files by any name: its kind is told by its extension, else by its
// first bytes.
TensorSource open_checkpoint(const std::filesystem::path& path);

}  // namespace sapwood
