#include "tasks/requirements.h"

#include <string>

#include "architecture/head.h"
#include "sapwood/error.h"

namespace sapwood::tasks {

void throw_wrong_model(const Model& model, std::string_view task, std::string_view needs) {
  const ModelConfig& config = model.config();
  std::string message(task);
  message.append(" needs ").append(needs).append("; ").append(model.path().string());
  message.append(" (").append(config.architecture).append(")");
  if (config.head == HeadKind::none) {
    message += " is an encoder without a head";
    if (config.missing_head != HeadKind::none) {
      message.append(" (config.json names a ").append(to_string(config.missing_head));
      message.append(" head, but ").append(config.missing_head_reason).append(")");
    }
  } else {
    message.append(" has a ").append(to_string(config.head)).append(" head");
    if (config.head == HeadKind::sequence_classification) {
      message += " of " + std::to_string(config.labels.size()) + " labels";
    }
  }
  throw Error(ErrorCode::unsupported, message + ": give another model");
}

void require_head(const Model& model, HeadKind head, std::string_view task) {
  if (model.config().head == head) return;
  std::string needs = "a model with a ";
  needs.append(to_string(head)).append(" head");
  if (const Head* wanted = find_head(head)) {
    needs.append(" (an architecture ").append(wanted->class_name).append(")");
  }
  throw_wrong_model(model, task, needs);
}

void throw_not_finite(const Model& model) {
  throw Error(ErrorCode::unsupported,
              model.path().string() +
                  ": the model gives no finite numbers for this input: a weight of it is a NaN or "
                  "an infinity (sapwood convert names such tensors), or its numbers are too large; "
                  "get another copy of the model");
}

void require_at_least(int value, int least, std::string_view name) {
  if (value >= least) return;
  throw Error(ErrorCode::invalid_argument, std::string(name) + " is " + std::to_string(value) +
                                               ": it must be at least " + std::to_string(least));
}

}  // namespace sapwood::tasks
