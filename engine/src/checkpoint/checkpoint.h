// Finds and opens the weights of a model, in whichever format they are.
#pragma once

#include <filesystem>

#include "checkpoint/mapped_file.h"
#include "checkpoint/tensor_source.h"

namespace sapwood {

// A directory: its model.safetensors, else model.safetensors.index.json, else pytorch_model.bin,
// else pytorch_model.bin.index.json. A file: by its name's ending (.safetensors, .index.json, .bin,
// .pt, .pth), else by its first bytes. Throws Error not_found with what was looked for, and the
// errors of the reader chosen.
TensorSource open_checkpoint(const std::filesystem::path& path,
                             FileAccess access = FileAccess::map);

// The file that open_checkpoint would open; the same not_found.
std::filesystem::path find_checkpoint(const std::filesystem::path& path);

}  // namespace sapwood
