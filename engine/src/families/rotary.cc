#include "families/rotary.h"

#include "base/quote.h"

namespace sapwood {

double read_rotary(const ConfigFields& fields, std::string_view key, double fallback) {
  if (!fields.has(key)) return fallback;
  const ConfigFields rotary = fields.object(key);
  const std::string_view type = rotary.string("rope_type", "default");
  rotary.refuse_if(
      type != "default", "rope_type",
      "rotary embeddings of type " + quote(type) + " are not supported; those of type default are");
  rotary.refuse_if(rotary.has("partial_rotary_factor"), "partial_rotary_factor",
                   "only rotary embeddings of whole heads are supported");
  return rotary.positive("rope_theta", kMostRotaryBase, fallback);
}

void check_rotary_heads(const ConfigFields& fields, const ModelConfig& config) {
  if (config.head_dim() % 2 == 0) return;
  throw Error(ErrorCode::unsupported,
              fields.path() +
                  ": rotary embeddings turn the halves of a head: expected an even size, found " +
                  std::to_string(config.head_dim()) + " (" + std::to_string(config.hidden) + " / " +
                  std::to_string(config.heads) + " heads)");
}

}  // namespace sapwood
