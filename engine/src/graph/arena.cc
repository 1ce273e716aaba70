#include <algorithm>
#include <numeric>

#include "graph/values.h"

namespace sapwood {
namespace {

Placement size_of(const Value& value, const Capacity& capacity) {
  Placement size;
  if (value.scratch != Scratch::none) {
    const std::size_t bytes =
        value.scratch == Scratch::attention
            ? kernels::attention_scratch(capacity.length, value.cols) * sizeof(float)
            : kernels::fff_scratch(fff_rows(capacity), value.cols);
    size.scales = kernels::round_up(static_cast<std::int64_t>(bytes), kernels::kAlignment);
    size.bytes = size.scales * capacity.threads;
    return size;
  }
  const std::int64_t most = value.rows == RowKind::tokens      ? capacity.tokens
                            : value.rows == RowKind::sequences ? capacity.sequences
                                                               : capacity.selected;
  size.bytes = most * row_stride_bytes(value);
  if (value.type == kernels::DType::int8) {
    size.scales = kernels::round_up(size.bytes, kernels::kAlignment);
    size.bytes = size.scales + most * static_cast<std::int64_t>(sizeof(kernels::RowScale));
  }
  return size;
}

}  // namespace

ArenaPlan plan_arena(const std::vector<Value>& values, const Capacity& capacity) {
  ArenaPlan plan;
  plan.placements.reserve(values.size());
  for (const Value& value : values) plan.placements.push_back(size_of(value, capacity));
  place_values(values, plan);
  return plan;
}

void place_values(const std::vector<Value>& values, ArenaPlan& plan) {
  std::vector<Placement>& placements = plan.placements;
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return placements[a].bytes > placements[b].bytes;
  });

  std::vector<std::size_t> placed;  // by offset
  for (const std::size_t index : order) {
    const Value& value = values[index];
    const std::int64_t size = kernels::round_up(placements[index].bytes, kernels::kAlignment);
    std::int64_t offset = 0;
    for (const std::size_t other : placed) {
      const bool alive_together = values[other].first_node <= value.last_node &&
                                  value.first_node <= values[other].last_node;
      if (!alive_together) continue;
      const Placement& there = placements[other];
      if (there.offset >= offset + size) break;  // fits before this one and all that follow
      offset = std::max(offset, there.offset + kernels::round_up(there.bytes, kernels::kAlignment));
    }
    placements[index].offset = offset;
    placed.insert(std::upper_bound(placed.begin(), placed.end(), index,
                                   [&](std::size_t a, std::size_t b) {
                                     return placements[a].offset < placements[b].offset;
                                   }),
                  index);
    plan.bytes = std::max(plan.bytes, offset + size);
  }
}

}  // namespace sapwood
