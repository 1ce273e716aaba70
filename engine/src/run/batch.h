// The sequences of one run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "graph/graph.h"

namespace sapwood {

// Sequences end to end, no padding.
struct Batch {
  InputRules rules;
  std::vector<std::int32_t> ids, positions, types;  // [tokens]
  std::vector<std::int32_t> starts;                 // [sequences + 1]: "cu_seqlens"
  std::vector<std::int32_t> selected;               // rows, ascending

  int tokens() const { return static_cast<int>(ids.size()); }
  int sequences() const { return static_cast<int>(starts.size()) - 1; }
  int rows(RowKind kind) const;
  int longest() const;  // tokens of the longest sequence

  void reserve(const Capacity& capacity);
  void clear();

  // Whether another sequence of so many tokens and selected rows has room.
  bool fits(std::size_t tokens, std::size_t selected_rows, const Capacity& capacity) const;

  // Adds a sequence that fits. type_ids: empty, or one a token; selected_rows: of the sequence.
  void add(std::span<const std::int32_t> token_ids, std::span<const std::int32_t> type_ids,
           std::span<const std::int32_t> selected_rows);
};

}  // namespace sapwood
