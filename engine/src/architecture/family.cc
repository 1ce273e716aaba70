#include "architecture/family.h"

#include <algorithm>
#include <cstdlib>

namespace sapwood {

const Family* find_family(std::string_view model_type) noexcept {
  const auto all = all_families();
  const auto it = std::find_if(all.begin(), all.end(), [&](const Family* family) {
    return family->model_type == model_type;
  });
  return it == all.end() ? nullptr : *it;
}

const Family& family_of(const ModelConfig& config) noexcept {
  const Family* family = find_family(config.architecture);
  if (family == nullptr) std::abort();  // parse_config() gives no other
  return *family;
}

const HeadClass& head_class_of(const ModelConfig& config) noexcept {
  static constexpr HeadClass kNone = {};
  for (const HeadClass& head : family_of(config).heads) {
    if (head.kind == config.head) return head;
  }
  return kNone;
}

}  // namespace sapwood
