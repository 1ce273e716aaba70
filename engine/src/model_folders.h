// Where models are installed.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

namespace sapwood {

// The share/sapwood/models that belongs to an installed program or library: PREFIX/bin/PROGRAM,
// PREFIX/lib/LIBRARY, PREFIX/lib/ARCHITECTURE/LIBRARY.
std::filesystem::path models_beside(const std::filesystem::path& file);

// The folders that a name is looked up in, in this order, each once: `first`, those of
// $SAPWOOD_MODELS, the installed ones of this library and this program, the source tree's.
std::vector<std::filesystem::path> model_folders(std::span<const std::filesystem::path> first);

}  // namespace sapwood
