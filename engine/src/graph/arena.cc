#include <algorithm>
#include <numeric>

#include "graph/graph.h"

namespace sapwood {

std::int64_t plan_arena(std::vector<Value>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return values[a].bytes > values[b].bytes; });

  std::int64_t arena = 0;
  std::vector<const Value*> placed;  // by offset
  for (const std::size_t index : order) {
    Value& value = values[index];
    const std::int64_t size = kernels::round_up(value.bytes, kernels::kAlignment);
    std::int64_t offset = 0;
    for (const Value* other : placed) {
      const bool alive_together =
          other->first_node <= value.last_node && value.first_node <= other->last_node;
      if (!alive_together) continue;
      if (other->offset >= offset + size) break;  // fits before this one and all that follow
      offset =
          std::max(offset, other->offset + kernels::round_up(other->bytes, kernels::kAlignment));
    }
    value.offset = offset;
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), &value,
                         [](const Value* a, const Value* b) { return a->offset < b->offset; }),
        &value);
    arena = std::max(arena, offset + size);
  }
  return arena;
}

}  // namespace sapwood
