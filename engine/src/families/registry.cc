// The families, each in a file of its own: a new one is one line here.
#include "architecture/family.h"

namespace sapwood {

#define SAPWOOD_FAMILIES(X) \
  X(bert)                   \
  X(distilbert)             \
  X(crammed_bert)           \
  X(electra)                \
  X(roberta)                \
  X(xlm_roberta)            \
  X(camembert)              \
  X(mpnet)                  \
  X(nomic_bert)             \
  X(modernbert)             \
  X(static_embedding)

#define SAPWOOD_DECLARE(name)  \
  namespace families::name {   \
  extern const Family kFamily; \
  }
SAPWOOD_FAMILIES(SAPWOOD_DECLARE)
#undef SAPWOOD_DECLARE

std::span<const Family* const> all_families() noexcept {
#define SAPWOOD_ADDRESS(name) &families::name::kFamily,
  static constexpr const Family* kFamilies[] = {SAPWOOD_FAMILIES(SAPWOOD_ADDRESS)};
#undef SAPWOOD_ADDRESS
  return kFamilies;
}

}  // namespace sapwood
