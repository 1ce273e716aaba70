// The converted model: one safetensors file with packed weights, mapped at load. README.md in this
// folder describes the format.
#pragma once

#include <filesystem>

#include "base/file.h"
#include "load/parts.h"

namespace sapwood {

// Maps a converted file; one in memory is used where it is, and begins at a multiple of 64 bytes.
// Throws Error: malformed or unsupported where the metadata is not what this
// version writes, mismatch where tensors do not fit the configuration.
LoadedParts load_converted(InputFile file, bool tokenizer);

// Recomputes the checksum of the contents. Throws Error malformed on a difference.
void verify_converted(const std::filesystem::path& path);

}  // namespace sapwood
