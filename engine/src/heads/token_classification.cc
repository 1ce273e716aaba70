// Logits of the labels of each token: what ner answers from (tasks/ner.cc).
#include "heads/labels.h"
#include "heads/transform.h"

namespace sapwood::heads::token_classification {
namespace {

void tensors(Table& table, const ModelConfig& config, const HeadClass& names,
             const std::string& prefix) {
  transform_tensors(table, config, names, prefix);
  table.linear("head.classifier", std::string(names.output), Bias::yes,
               static_cast<std::int64_t>(config.labels.size()), transformed_width(config));
}

ValueId nodes(GraphBuilder& build, ValueId hidden) {
  return build.linear("head.classifier", transform(build, hidden),
                      static_cast<int>(build.config().labels.size()));
}

}  // namespace

extern const Head kHead = {.kind = HeadKind::token_classification,
                           .class_name = "...ForTokenClassification",
                           .tensors = tensors,
                           .nodes = nodes,
                           .resolve_labels = resolve_class_labels};

}  // namespace sapwood::heads::token_classification
