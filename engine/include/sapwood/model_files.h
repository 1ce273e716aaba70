// Which files a model consists of.
#pragma once

#include <filesystem>
#include <vector>

#include "sapwood/export.h"

namespace sapwood {

// The files that a model may be read from: a converted file is one; of a directory, the weights,
// their shards, the configuration, the tokenizer's files and those of the modules in its folders;
// of a tokenizer's file, also the settings beside it. No output may be one of them.
SAPWOOD_API std::vector<std::filesystem::path> model_files(const std::filesystem::path& model);

}  // namespace sapwood
