// What a Model shares between its copies.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "runtime/executor.h"
#include "runtime/workspace.h"
#include "sapwood/model.h"
#include "weights/packed_weights.h"

namespace sapwood {

// A model's parts as read from disk, before there is a graph.
struct LoadedParts {
  ModelConfig config;
  PackedWeights weights;
  std::optional<Tokenizer> tokenizer;
  std::string format;  // "huggingface" or "converted"
  std::int64_t parameters = 0;
  std::string source_dtype;
  std::string source_sha256;
  std::vector<std::string> unused_tensors;
};

// A Hugging Face directory, packed in memory. The checkpoint is the directory's own
// (open_checkpoint); the tokenizer is left out.
LoadedParts pack_directory(const std::filesystem::path& directory, const TensorSource& checkpoint,
                           const WeightTypes& types);

struct Model::State {
  State(std::filesystem::path path, LoadedParts parts, const kernels::KernelTable& kernels,
        const LoadOptions& options);

  std::filesystem::path path;
  LoadedParts parts;
  int max_length;
  Graph graph;
  Executor executor;

  // Workspaces are reused: after the first request of each thread nothing is allocated.
  std::unique_ptr<Workspace> take_workspace() const;
  void give_workspace(std::unique_ptr<Workspace> workspace) const noexcept;

 private:
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Workspace>> free_;  // with room for all that were made
  mutable std::size_t made_ = 0;
};

}  // namespace sapwood
