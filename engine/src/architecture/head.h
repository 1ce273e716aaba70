// What a head is: everything that the engine knows about it but its task, in one file of heads/ and one line of its
// registry.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "architecture/family.h"

namespace sapwood {

struct Head {
  HeadKind kind;
  std::string_view class_name;  // as users know it: "...ForMaskedLM"
  // Its tensors, by the names that nodes() looks for. `prefix` stands before the encoder's tensors in this checkpoint.
  void (*tensors)(Table& table, const ModelConfig& config, const HeadClass& names,
                  const std::string& prefix);
  // The nodes from the last hidden state to the logits, which it returns.
  ValueId (*nodes)(GraphBuilder& build, ValueId hidden);
  // Settles config.labels, which are as id2label has them, by the rows of the last layer's weight. Throws Error mismatch
  // where the two do not fit. Null: its outputs have no labels.
  void (*resolve_labels)(ModelConfig& config, int rows);
};

// All heads: heads/registry.cc.
std::span<const Head* const> all_heads() noexcept;

// Null for HeadKind::none.
const Head* find_head(HeadKind kind) noexcept;

// The tensor whose rows count the labels; empty for a head without labels.
std::string label_tensor_name(const ModelConfig& config);

// Head::resolve_labels of the configuration's head; a model without labels has none afterwards.
void resolve_labels(ModelConfig& config, int rows);

}  // namespace sapwood
