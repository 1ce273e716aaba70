#include "heads/labels.h"

#include <string>

#include "sapwood/error.h"

namespace sapwood {

void resolve_class_labels(ModelConfig& config, int rows) {
  if (rows < 1) {
    throw Error(ErrorCode::mismatch,
                "the classification head: expected rows, one for each label, found " +
                    std::to_string(rows));
  }
  if (config.labels.empty()) {
    for (int i = 0; i < rows; ++i) config.labels.push_back("LABEL_" + std::to_string(i));
  }
  if (static_cast<int>(config.labels.size()) != rows) {
    throw Error(ErrorCode::mismatch,
                "the configuration's id2label has " + std::to_string(config.labels.size()) +
                    " labels, but the classification head has " + std::to_string(rows) + " rows");
  }
}

}  // namespace sapwood
