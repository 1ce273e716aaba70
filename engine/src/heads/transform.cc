#include "heads/transform.h"

namespace sapwood {

void transform_tensors(Table& table, const ModelConfig& config, const HeadClass& names,
                       const std::string& prefix) {
  if (names.transform.empty()) return;
  const std::string dense =
      (names.transform_in_encoder ? prefix : "") + std::string(names.transform);
  table.linear("head.transform", dense, config.head_bias ? Bias::yes : Bias::no, config.head_width,
               config.hidden);
  if (names.norm.empty()) return;
  table.norm("head.norm", std::string(names.norm), config.head_width,
             config.norm_bias ? Bias::yes : Bias::no);
}

ValueId transform(GraphBuilder& build, ValueId x) {
  const ModelConfig& config = build.config();
  const HeadClass& names = head_class_of(config);
  if (names.transform.empty()) return x;
  const ValueId dense =
      build.linear("head.transform", x, config.head_width, config.head_activation);
  return names.norm.empty() ? dense : build.norm("head.norm", dense);
}

int transformed_width(const ModelConfig& config) {
  return head_class_of(config).transform.empty() ? config.hidden : config.head_width;
}

}  // namespace sapwood
