#include "architecture/head.h"

namespace sapwood {

const Head* find_head(HeadKind kind) noexcept {
  for (const Head* head : all_heads()) {
    if (head->kind == kind) return head;
  }
  return nullptr;
}

std::string label_tensor_name(const ModelConfig& config) {
  const Head* head = find_head(config.head);
  if (head == nullptr || head->resolve_labels == nullptr) return "";
  return std::string(head_class_of(config).output) + ".weight";
}

void resolve_labels(ModelConfig& config, int rows) {
  const Head* head = find_head(config.head);
  if (head == nullptr || head->resolve_labels == nullptr) {
    config.labels.clear();
  } else {
    head->resolve_labels(config, rows);
  }
}

}  // namespace sapwood
