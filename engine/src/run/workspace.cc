#include "run/workspace.h"

#include <algorithm>
#include <string>

#include "sapwood/error.h"

namespace sapwood {

Workspace::Workspace(const Graph& graph, const Capacity& capacity)
    : onednn(static_cast<std::size_t>(capacity.threads)),
      capacity_(capacity),
      plan_(plan_arena(graph.values(), capacity)) {
  const auto bytes = static_cast<std::size_t>(std::max<std::int64_t>(plan_.bytes, 1));
  // Not touched here: pages that no run reaches are never backed by memory.
  arena_.reset(static_cast<std::byte*>(std::aligned_alloc(
      kernels::kAlignment, static_cast<std::size_t>(kernels::round_up(
                               static_cast<std::int64_t>(bytes), kernels::kAlignment)))));
  if (!arena_) {
    throw Error(ErrorCode::out_of_memory, "cannot allocate " + std::to_string(bytes) +
                                              " bytes for a batch; lower the batch token limit");
  }
  batch.reserve(capacity);
  batch.clear();
}

std::int64_t Workspace::bytes() const {
  const std::size_t indices = batch.ids.capacity() + batch.positions.capacity() +
                              batch.types.capacity() + batch.starts.capacity() +
                              batch.selected.capacity();
  return plan_.bytes + static_cast<std::int64_t>(indices * sizeof(std::int32_t) +
                                                 plan_.placements.capacity() * sizeof(Placement) +
                                                 onednn.capacity() * sizeof(OnednnScratch));
}

}  // namespace sapwood
