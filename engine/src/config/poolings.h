// Which poolings a Pooling module's configuration chooses.
#pragma once

#include <cstddef>
#include <vector>

#include "base/json.h"
#include "config/fields.h"
#include "sapwood/config.h"

namespace sapwood {

inline constexpr std::size_t kMostPoolings = 16;
// Numbers of what several poolings make, one after the other.
inline constexpr int kMaxPooled = static_cast<int>(kMostPoolings) * kMaxWidth;

// `pooling_mode` (a name or a list of names), else the older keys, one for each pooling; mean where they choose none. In
// the order in which sentence-transformers concatenates them (Pooling.forward). Throws Error malformed, unsupported.
std::vector<PoolingMode> parse_poolings(const JsonValue& root);

}  // namespace sapwood
