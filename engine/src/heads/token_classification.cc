// Logits of the labels of each token: what ner answers from (tasks/ner.cc).
#include "architecture/head.h"
#include "graph/builder.h"
#include "heads/labels.h"
#include "weights/table.h"

namespace sapwood::heads::token_classification {
namespace {

void tensors(Table& table, const ModelConfig& config, const HeadClass& names, const std::string&) {
  table.linear("head.classifier", std::string(names.output), Bias::yes,
               static_cast<std::int64_t>(config.labels.size()), config.hidden);
}

ValueId nodes(GraphBuilder& build, ValueId hidden) {
  return build.linear("head.classifier", hidden, static_cast<int>(build.config().labels.size()));
}

}  // namespace

extern const Head kHead = {.kind = HeadKind::token_classification,
                           .class_name = "...ForTokenClassification",
                           .tensors = tensors,
                           .nodes = nodes,
                           .resolve_labels = resolve_class_labels};

}  // namespace sapwood::heads::token_classification
