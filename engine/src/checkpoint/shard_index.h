// Checkpoints in several files: model.safetensors.index.json and pytorch_model.bin.index.json.
#pragma once

#include <filesystem>

#include "checkpoint/mapped_file.h"
#include "checkpoint/tensor_source.h"

namespace sapwood {

using ShardOpener = TensorSource (*)(const std::filesystem::path&, FileAccess);

// Reads the index and opens each shard it names with `open_shard`, in the order of their names.
// Every tensor of the index must be in the shard that the index says, and no tensor in two shards.
// A tensor that stands in a shard and not in the index is taken all the same, as the reference
// does.
TensorSource open_shards(const std::filesystem::path& index_path, FileAccess access,
                         ShardOpener open_shard);

}  // namespace sapwood
