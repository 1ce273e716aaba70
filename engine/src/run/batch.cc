#include "run/batch.h"

#include <algorithm>

namespace sapwood {

int Batch::rows(RowKind kind) const {
  switch (kind) {
    case RowKind::tokens:
      return tokens();
    case RowKind::sequences:
      return sequences();
    case RowKind::selected:
      return static_cast<int>(selected.size());
  }
  return 0;
}

int Batch::longest() const {
  int longest = 0;
  for (int i = 0; i < sequences(); ++i) longest = std::max(longest, starts[i + 1] - starts[i]);
  return longest;
}

void Batch::reserve(const Capacity& capacity) {
  ids.reserve(capacity.tokens);
  positions.reserve(capacity.tokens);
  types.reserve(capacity.tokens);
  selected.reserve(capacity.selected);
  starts.reserve(capacity.sequences + 1);
}

void Batch::clear() {
  ids.clear();
  positions.clear();
  types.clear();
  selected.clear();
  starts.assign(1, 0);
}

bool Batch::fits(std::size_t tokens, std::size_t selected_rows, const Capacity& capacity) const {
  return sequences() < capacity.sequences &&
         ids.size() + tokens <= static_cast<std::size_t>(capacity.tokens) &&
         selected.size() + selected_rows <= static_cast<std::size_t>(capacity.selected);
}

void Batch::add(std::span<const std::int32_t> token_ids, std::span<const std::int32_t> type_ids,
                std::span<const std::int32_t> selected_rows) {
  const int first = tokens();
  ids.insert(ids.end(), token_ids.begin(), token_ids.end());
  for (std::size_t i = 0; i < token_ids.size(); ++i) {
    positions.push_back(static_cast<std::int32_t>(i));
    types.push_back(type_ids.empty() ? 0 : type_ids[i]);
  }
  for (const std::int32_t row : selected_rows) selected.push_back(first + row);
  starts.push_back(tokens());
}

}  // namespace sapwood
