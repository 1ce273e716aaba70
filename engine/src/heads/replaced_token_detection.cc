// A logit for each token, positive where the token seems to stand in another one's place (ELECTRA, arXiv 2003.10555,
// section 2). No task answers from it: read it with Model::run.
#include "architecture/head.h"
#include "graph/builder.h"
#include "weights/table.h"

namespace sapwood::heads::replaced_token_detection {
namespace {

void tensors(Table& table, const ModelConfig& config, const HeadClass& names, const std::string&) {
  table.linear("head.transform", std::string(names.transform), Bias::yes, config.head_width,
               config.hidden);
  table.linear("head.classifier", std::string(names.output), Bias::yes, 1, config.head_width);
}

ValueId nodes(GraphBuilder& build, ValueId hidden) {
  const ModelConfig& config = build.config();
  const ValueId x =
      build.linear("head.transform", hidden, config.head_width, config.head_activation);
  return build.linear("head.classifier", x, 1);
}

}  // namespace

extern const Head kHead = {.kind = HeadKind::replaced_token_detection,
                           .class_name = "...ForPreTraining",
                           .tensors = tensors,
                           .nodes = nodes,
                           .resolve_labels = nullptr};

}  // namespace sapwood::heads::replaced_token_detection
