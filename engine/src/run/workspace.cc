#include "run/workspace.h"

#include <algorithm>
#include <string>

#include "sapwood/error.h"

namespace sapwood {
namespace {

// Never a stack's: a thread of a program that calls the library may have one of 64 KB.
std::int64_t linear_bytes(const Graph& graph) {
  std::size_t most = 0;
  for (const Node& node : graph.nodes()) {
    const auto* linear = std::get_if<LinearOp>(&node.op);
    if (linear != nullptr) most = std::max(most, kernels::linear_scratch(linear->weight.type));
  }
  return kernels::round_up(static_cast<std::int64_t>(most), kernels::kAlignment);
}

}  // namespace

Workspace::Workspace(const Graph& graph, const Capacity& capacity)
    : batch{.rules = graph.input_rules()},
      onednn(static_cast<std::size_t>(capacity.threads)),
      capacity_(capacity),
      plan_(plan_arena(graph.values(), capacity)),
      linear_bytes_(linear_bytes(graph)) {
  plan_.bytes = kernels::round_up(plan_.bytes, kernels::kAlignment);
  const auto bytes = static_cast<std::size_t>(
      std::max<std::int64_t>(plan_.bytes + linear_bytes_ * capacity.threads, 1));
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
  return plan_.bytes + linear_bytes_ * capacity_.threads +
         static_cast<std::int64_t>(indices * sizeof(std::int32_t) +
                                   plan_.placements.capacity() * sizeof(Placement) +
                                   onednn.capacity() * sizeof(OnednnScratch));
}

}  // namespace sapwood
