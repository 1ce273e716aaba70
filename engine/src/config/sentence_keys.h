// The one place that knows every file, module and key of sentence-transformers, and what is done about each: README.md
// in this folder has the same as a table.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/json.h"
#include "base/notices.h"

namespace sapwood {

enum class ModuleKind : std::uint8_t {
  transformer,
  pooling,
  dense,
  normalize,
  splade,
  sparse_static,  // a weight for each token
  router,
  nothing,  // changes nothing when a model answers
  refused,
};

struct KnownModule {
  std::string_view name;  // of the class
  ModuleKind kind;
  std::string_view why;  // of one that is refused or does nothing: a clause
};

// "Pooling" of "sentence_transformers.models.Pooling"; the whole where there is no dot.
constexpr std::string_view class_name(std::string_view path) noexcept {
  const std::size_t dot = path.rfind('.');
  return dot == path.npos ? path : path.substr(dot + 1);
}

// By the class that modules.json names, "sentence_transformers.models.Pooling", in any of the packages that it has been in.
// Null for one that nobody knows.
const KnownModule* find_module(std::string_view type) noexcept;

enum class SentenceFile : std::uint8_t {
  modules,      // an entry of modules.json
  model,        // config_sentence_transformers.json
  transformer,  // sentence_bert_config.json and its kin
  pooling,
  dense,
  normalize,
  splade,
  sparse_static,
  router,  // router_config.json
  router_parameters,
};

struct KnownKey {
  std::string_view key;
  std::string_view what;  // "read", or why it changes nothing
};

std::span<const KnownKey> keys_of(SentenceFile file) noexcept;

// Where sentence-transformers looks for a Transformer module's settings, first to last.
std::span<const std::string_view> transformer_files() noexcept;

// A notice about the keys of an object that are in no list, all in one sentence. Throws Error malformed where it is none.
void tell_unknown_keys(const JsonValue& object, SentenceFile file, Notices& notices);

}  // namespace sapwood
