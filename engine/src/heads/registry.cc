// The heads, each in a file of its own: a new one is one line here.
#include "architecture/head.h"

namespace sapwood {

#define SAPWOOD_HEADS(X)     \
  X(masked_lm)               \
  X(sequence_classification) \
  X(token_classification)    \
  X(question_answering)      \
  X(replaced_token_detection)

#define SAPWOOD_DECLARE(name) \
  namespace heads::name {     \
  extern const Head kHead;    \
  }
SAPWOOD_HEADS(SAPWOOD_DECLARE)
#undef SAPWOOD_DECLARE

std::span<const Head* const> all_heads() noexcept {
#define SAPWOOD_ADDRESS(name) &heads::name::kHead,
  static constexpr const Head* kHeads[] = {SAPWOOD_HEADS(SAPWOOD_ADDRESS)};
#undef SAPWOOD_ADDRESS
  return kHeads;
}

}  // namespace sapwood
