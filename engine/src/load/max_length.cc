#include "load/max_length.h"

#include <algorithm>

namespace sapwood {

std::optional<int> resolve_max_length(std::optional<int> sentence, const Tokenizer* tokenizer,
                                      std::optional<int> positions) {
  std::optional<int> limit = sentence;
  if (!limit && tokenizer != nullptr) limit = tokenizer->max_length();
  if (!limit || !positions) return limit ? limit : positions;
  return std::min(*limit, *positions);
}

}  // namespace sapwood
