// Logits of each token as start and end of the answer: what answer reads spans from (tasks/answer_spans.cc).
#include "heads/transform.h"
#include "sapwood/error.h"

namespace sapwood::heads::question_answering {
namespace {

constexpr int kOutputs = 2;

void tensors(Table& table, const ModelConfig& config, const HeadClass& names,
             const std::string& prefix) {
  transform_tensors(table, config, names, prefix);
  table.linear("head.classifier", std::string(names.output), Bias::yes, kOutputs,
               transformed_width(config));
}

ValueId nodes(GraphBuilder& build, ValueId hidden) {
  return build.linear("head.classifier", transform(build, hidden), kOutputs);
}

void resolve_labels(ModelConfig& config, int rows) {
  if (rows != kOutputs) {
    throw Error(ErrorCode::mismatch, std::string(head_class_of(config).output) +
                                         ".weight: expected 2 rows (start and end), found " +
                                         std::to_string(rows));
  }
  config.labels = {"start", "end"};
}

}  // namespace

extern const Head kHead = {.kind = HeadKind::question_answering,
                           .class_name = "...ForQuestionAnswering",
                           .tensors = tensors,
                           .nodes = nodes,
                           .resolve_labels = resolve_labels};

}  // namespace sapwood::heads::question_answering
