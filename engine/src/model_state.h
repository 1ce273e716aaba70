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
  Threads team;
  Capacity capacity;  // of the model's own runs
  Graph graph;

  mutable RunPool runs;       // of `capacity`
  mutable RunPool lone_runs;  // for one thread each, where all threads have one
};

}  // namespace sapwood
