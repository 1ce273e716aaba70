// Logits of the labels of a text or a pair: what classify and rerank answer from (tasks/classify.cc, rerank.cc).
#include "architecture/head.h"
#include "graph/builder.h"
#include "graph/kernel_names.h"
#include "heads/labels.h"
#include "weights/table.h"

namespace sapwood::heads::sequence_classification {
namespace {

void tensors(Table& table, const ModelConfig& config, const HeadClass& names,
             const std::string& prefix) {
  const std::string transform =
      (names.transform_in_encoder ? prefix : "") + std::string(names.transform);
  const auto labels = static_cast<std::int64_t>(config.labels.size());
  table.linear("head.transform", transform, Bias::yes, config.head_width, config.hidden);
  table.linear("head.classifier", std::string(names.output), Bias::yes, labels, config.head_width);
}

ValueId nodes(GraphBuilder& build, ValueId hidden) {
  const ModelConfig& config = build.config();
  const ValueId row = config.head_pooling == PoolingMode::cls
                          ? build.first_row("head.pool", hidden)
                          : build.pool("head.pool", hidden, kernel_pooling(config.head_pooling));
  const ValueId x = build.linear("head.transform", row, config.head_width, config.head_activation);
  return build.linear("head.classifier", x, static_cast<int>(config.labels.size()));
}

}  // namespace

extern const Head kHead = {.kind = HeadKind::sequence_classification,
                           .class_name = "...ForSequenceClassification",
                           .tensors = tensors,
                           .nodes = nodes,
                           .resolve_labels = resolve_class_labels};

}  // namespace sapwood::heads::sequence_classification
