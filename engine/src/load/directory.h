// A Hugging Face directory, packed in memory.
#pragma once

#include "base/file.h"
#include "base/json.h"
#include "checkpoint/tensor_source.h"
#include "load/parts.h"

namespace sapwood {

// The files of a directory that are small, and its checkpoint, opened and not yet packed.
struct DirectorySource {
  Folder folder;  // of config.json, weights and tokenizer
  JsonDocument config;
  std::optional<SentenceConfig> sentence;
  TensorSource checkpoint;
  Notices notices;
};

// Throws Error: what the readers of the files throw; not_found without config.json or weights.
DirectorySource open_directory(Folder folder);

// What the files say of the model: all of LoadedParts that needs neither weights nor tokenizer. Throws Error as
// load_directory.
LoadedParts describe_directory(const DirectorySource& source);

// The weights in the types asked for; the tokenizer is left out.
LoadedParts pack_directory(const DirectorySource& source, const WeightTypes& types);

// Nothing of it refers to the folder's files any more, so that bytes in memory may go.
LoadedParts load_directory(Folder folder, const WeightTypes& types, bool tokenizer);

}  // namespace sapwood
