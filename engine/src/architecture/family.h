// What a model family is: everything that the engine knows about it, in one file of families/ and one line of its
// registry. engine/README.md says how to add one.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "config/fields.h"
#include "sapwood/config.h"

namespace sapwood {

class GraphBuilder;  // graph/builder.h
class Table;         // weights/table.h
using ValueId = int;

// A class that config.json may name in `architectures`, what head it has, and what that head's modules are called in
// the checkpoint. A module that the head does not have is empty.
struct HeadClass {
  std::string_view suffix;  // behind the family's prefix: "ForMaskedLM"
  HeadKind kind = HeadKind::none;
  std::string_view transform = {};  // the dense layer before the last one
  bool transform_in_encoder =
      false;  // it belongs to the encoder (BERT's pooler) and has its prefix
  std::string_view norm = {};
  std::string_view output = {};       // the last layer: classifier or decoder
  std::string_view output_bias = {};  // another tensor that may hold its bias
};

// The same head under another class.
constexpr HeadClass with_suffix(HeadClass head, std::string_view suffix) {
  head.suffix = suffix;
  return head;
}

// The heads that most families of transformers have in one form: a product, nothing before it.
inline constexpr HeadClass kTokenClassificationHead{.suffix = "ForTokenClassification",
                                                    .kind = HeadKind::token_classification,
                                                    .output = "classifier"};
inline constexpr HeadClass kQuestionAnsweringHead{
    .suffix = "ForQuestionAnswering", .kind = HeadKind::question_answering, .output = "qa_outputs"};

struct Family {
  std::string_view model_type;    // of config.json, and ModelConfig::architecture
  std::string_view class_prefix;  // of the classes in `architectures`: "Bert"
  // Before the encoder's tensors in a checkpoint with a head: "bert."; and, behind it, the word embedding's name, which
  // tells whether a checkpoint has the prefix.
  std::string_view encoder_prefix;
  std::string_view other_prefix = {};  // another one that some checkpoints have instead
  std::string_view word_embedding;
  std::span<const HeadClass> heads;  // HeadKind::none is the bare encoder
  // Keys of config.json that change nothing here, beside those of every family (config/fields.h).
  std::span<const std::string_view> harmless_keys;

  // Reads what the family's config.json says; config.head is known. Throws Error unsupported for what the engine does
  // not have, naming the field.
  void (*parse)(const ConfigFields& fields, ModelConfig& config);
  // The encoder's tensors, by the names that encoders in graph/ look for. `prefix` stands before them in this checkpoint.
  void (*tensors)(Table& table, const ModelConfig& config, const std::string& prefix);
  // The nodes up to the last hidden state, which it returns.
  ValueId (*encoder)(GraphBuilder& build);
};

// All families: families/registry.cc.
std::span<const Family* const> all_families() noexcept;

// The family of this model_type, or null.
const Family* find_family(std::string_view model_type) noexcept;
// The family of a configuration that parse_config() made.
const Family& family_of(const ModelConfig& config) noexcept;

// What the family calls the modules of the head that the configuration has.
const HeadClass& head_class_of(const ModelConfig& config) noexcept;

}  // namespace sapwood
