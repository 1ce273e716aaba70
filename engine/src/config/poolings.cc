#include "config/poolings.h"

#include <string>
#include <utility>

#include "base/quote.h"

namespace sapwood {
namespace {

PoolingMode pooling_of(const JsonValue& value) {
  const std::string_view name = value.string();
  for (const NamedValue& each : names_of(PoolingMode{}).values) {
    const auto mode = static_cast<PoolingMode>(each.value);
    if (each.name == name && mode != PoolingMode::none) return mode;
  }
  value.fail("the pooling " + quote(name) +
                 " is not supported; cls, max, mean, mean_sqrt_len_tokens, weightedmean and "
                 "lasttoken are",
             ErrorCode::unsupported);
}

}  // namespace

std::vector<PoolingMode> parse_poolings(const JsonValue& root) {
  std::vector<PoolingMode> poolings;
  if (root.has("pooling_mode")) {  // the newer form
    const JsonValue mode = root.at("pooling_mode");
    if (mode.is_string()) return {pooling_of(mode)};
    if (!mode.is_array()) mode.expected("a pooling's name, or a list of them");
    for (const JsonValue each : mode.elements()) poolings.push_back(pooling_of(each));
    if (poolings.empty() || poolings.size() > kMostPoolings) {
      mode.expected("1 to " + std::to_string(kMostPoolings) + " poolings");
    }
    return poolings;
  }
  // In the order in which sentence-transformers concatenates them.
  constexpr std::pair<const char*, PoolingMode> kKeys[] = {
      {"pooling_mode_cls_token", PoolingMode::cls},
      {"pooling_mode_max_tokens", PoolingMode::max},
      {"pooling_mode_mean_tokens", PoolingMode::mean},
      {"pooling_mode_mean_sqrt_len_tokens", PoolingMode::mean_sqrt_len},
      {"pooling_mode_weightedmean_tokens", PoolingMode::weighted_mean},
      {"pooling_mode_lasttoken", PoolingMode::last_token}};
  for (const auto& [key, mode] : kKeys) {
    if (root.boolean(key, false)) poolings.push_back(mode);
  }
  if (poolings.empty()) poolings.push_back(PoolingMode::mean);
  return poolings;
}

}  // namespace sapwood
