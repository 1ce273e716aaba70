// What a Model shares between its copies.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "load/parts.h"
#include "run/packed_run.h"
#include "sapwood/model.h"

namespace sapwood {

struct Model::State {
  State(std::filesystem::path path, LoadedParts parts, const kernels::KernelTable& kernels,
        const LoadOptions& options);

  std::filesystem::path path;
  LoadedParts parts;
  int max_length;
  Threads team;
  Capacity capacity;  // of the model's own runs
  Graph graph;

  // The memory of runs is reused: after the first request of each thread nothing is allocated.
  std::unique_ptr<PackedRun> take_run() const;
  void give_back(std::unique_ptr<PackedRun> run) const noexcept;

 private:
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<PackedRun>> free_;  // with room for all that were made
  mutable std::size_t made_ = 0;
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
