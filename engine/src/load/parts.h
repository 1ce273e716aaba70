// A model's parts as read from disk, before there is a graph.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/notices.h"
#include "sapwood/config.h"
#include "sapwood/tokenizer/tokenizer.h"
#include "weights/packed_weights.h"

namespace sapwood {

struct LoadedParts {
  ModelConfig config;
  PackedWeights weights;
  std::optional<Tokenizer> tokenizer;
  std::string format;  // "huggingface" or "converted"
  std::int64_t parameters = 0;
  std::string source_dtype;
  std::string source_sha256;
  std::vector<std::string> unused_tensors;
  Notices notices;  // about the files, for the user
};

}  // namespace sapwood
