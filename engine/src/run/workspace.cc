#include "run/workspace.h"

#include <string>

#include "sapwood/error.h"

namespace sapwood {

Workspace::Workspace(const Graph& graph)
    : onednn(static_cast<std::size_t>(graph.capacity().threads)) {
  const auto bytes = static_cast<std::size_t>(graph.arena_bytes());
  // Not touched here: pages that no run reaches are never backed by memory.
  arena_.reset(static_cast<std::byte*>(std::aligned_alloc(kernels::kAlignment, bytes)));
  if (!arena_) {
    throw Error(ErrorCode::out_of_memory, "cannot allocate " + std::to_string(bytes) +
                                              " bytes for a batch; lower the batch token limit");
  }
  batch.reserve(graph.capacity());
  batch.clear();
}

}  // namespace sapwood
