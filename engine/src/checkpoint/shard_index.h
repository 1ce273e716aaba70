// Checkpoints in several files: model.safetensors.index.json and pytorch_model.bin.index.json.
#pragma once

#include "base/file.h"
#include "checkpoint/tensor_source.h"

namespace sapwood {

using ShardOpener = TensorSource (*)(InputFile);

// Reads the index and opens each shard that its "weight_map" names with `open_shard`, in the order
// of their names. A shard is a file of the index's own directory: a name with a directory in it or
// a symbolic link that leads elsewhere is malformed (links into the blobs folder of a Hugging Face
// cache are followed). Every tensor of the index must be in the shard that the index says, and no
// tensor in two shards (Error mismatch). A tensor that stands in a shard and not in the index is
// taken all the same, as the reference does.
//
// `memory`: the folder of the index, where its files are in memory; else null.
TensorSource open_shards(InputFile index, ShardOpener open_shard, const Folder* memory = nullptr);

}  // namespace sapwood
