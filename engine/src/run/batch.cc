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
  if (type_ids.empty() || !rules.types) {
    types.resize(ids.size(), 0);
  } else {
    types.insert(types.end(), type_ids.begin(), type_ids.end());
  }
  // As create_position_ids_from_input_ids of transformers' modeling_roberta.py, from the padding id's own row on.
  const bool padding = rules.padding_id != InputRules::kNoPadding;
  std::int32_t next = padding ? 1 : 0;
  for (const std::int32_t id : token_ids) {
    positions.push_back(padding && id == rules.padding_id ? 0 : next++);
  }
  for (const std::int32_t row : selected_rows) selected.push_back(first + row);
  starts.push_back(tokens());
}

}  // namespace sapwood
