// Logits of the labels of a text or a pair: what classify and rerank answer from (tasks/classify.cc, rerank.cc).
#include "graph/kernel_names.h"
#include "heads/labels.h"
#include "heads/transform.h"

namespace sapwood::heads::sequence_classification {
namespace {

void tensors(Table& table, const ModelConfig& config, const HeadClass& names,
             const std::string& prefix) {
  const auto labels = static_cast<std::int64_t>(config.labels.size());
  transform_tensors(table, config, names, prefix);
  table.linear("head.classifier", std::string(names.output), Bias::yes, labels,
               transformed_width(config));
}

ValueId nodes(GraphBuilder& build, ValueId hidden) {
  const ModelConfig& config = build.config();
  const ValueId row = config.head_pooling == PoolingMode::cls
                          ? build.first_row("head.pool", hidden)
                          : build.pool("head.pool", hidden, kernel_pooling(config.head_pooling));
  return build.linear("head.classifier", transform(build, row),
                      static_cast<int>(config.labels.size()));
}

}  // namespace

extern const Head kHead = {.kind = HeadKind::sequence_classification,
                           .class_name = "...ForSequenceClassification",
                           .tensors = tensors,
                           .nodes = nodes,
                           .resolve_labels = resolve_class_labels};

}  // namespace sapwood::heads::sequence_classification
