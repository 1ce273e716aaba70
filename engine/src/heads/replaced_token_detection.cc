// A logit for each token, positive where the token seems to stand in another one's place (ELECTRA, arXiv 2003.10555,
// section 2). No task answers from it: read it with Model::run.
#include "heads/transform.h"

namespace sapwood::heads::replaced_token_detection {
namespace {

void tensors(Table& table, const ModelConfig& config, const HeadClass& names,
             const std::string& prefix) {
  transform_tensors(table, config, names, prefix);
  table.linear("head.classifier", std::string(names.output), Bias::yes, 1, config.head_width);
}

ValueId nodes(GraphBuilder& build, ValueId hidden) {
  return build.linear("head.classifier", transform(build, hidden), 1);
}

}  // namespace

extern const Head kHead = {.kind = HeadKind::replaced_token_detection,
                           .class_name = "...ForPreTraining",
                           .tensors = tensors,
                           .nodes = nodes,
                           .resolve_labels = nullptr};

}  // namespace sapwood::heads::replaced_token_detection
