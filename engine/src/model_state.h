// What a Model shares between its copies.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "load/parts.h"
#include "run/run_pool.h"
#include "sapwood/model.h"

namespace sapwood {

struct Model::State {
  State(std::filesystem::path path, LoadedParts parts, const kernels::KernelTable& kernels,
        const LoadOptions& options);

  std::filesystem::path path;
  LoadedParts parts;
  int max_length;
  int median_token_length = 0;  // in characters; of static embeddings alone
  Threads team;
  Capacity capacity;  // of the model's own runs
  Graph graph;

  mutable RunPool runs;       // of `capacity`
  mutable RunPool lone_runs;  // for one thread each, where all threads have one
};

// The way of the engine's own parts and of its tests into a model.
struct ModelAccess {
  using State = Model::State;
  static const State& state(const Model& model) noexcept { return *model.state_; }
};

inline const ModelAccess::State& state_of(const Model& model) noexcept {
  return ModelAccess::state(model);
}

}  // namespace sapwood
