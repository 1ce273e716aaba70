// A tokenizer from text and back: one tokenizer.json, a vocab.txt, or the parts of a converted model.
#include "base/border.h"
#include "impl.h"
#include "prefix_space.h"

namespace sapwood {

Tokenizer Tokenizer::from_json(std::string_view tokenizer_json,
                               std::string_view tokenizer_config) try {
  TokenizerConfig config;
  JsonDocument document = JsonDocument::parse_copy(tokenizer_json, "tokenizer.json");
  if (!tokenizer_config.empty()) {
    config.read(JsonDocument::parse_copy(tokenizer_config, "tokenizer_config.json").root());
    config.settle();
    settle_prefix_space(document, config);
  }
  return Tokenizer(build_tokenizer({std::move(document)}, std::move(config)));
} catch (...) {
  throw_as_error();
}

Tokenizer Tokenizer::from_vocab(std::string_view vocab_txt, const VocabOptions& options) try {
  return Tokenizer(build_from_vocab(vocab_txt, "vocab.txt", options, {}));
} catch (...) {
  throw_as_error();
}

Tokenizer Tokenizer::from_parts(std::string_view settings,
                                std::span<const NamedBuffer> tables) try {
  TokenizerDocument document{JsonDocument::parse_copy(settings, "tokenizer.json")};
  for (const NamedBuffer& table : tables) {
    if (table.name == kVocabularyTable) {
      document.vocabulary =
          read_lines({reinterpret_cast<const char*>(table.bytes.data()), table.bytes.size()});
    } else {
      document.tables.push_back(table);
    }
  }
  return Tokenizer(build_tokenizer(std::move(document), {}));
} catch (...) {
  throw_as_error();
}

Tokenizer Tokenizer::from_parts(const Parts& parts) try {
  std::vector<NamedBuffer> tables;
  for (const Table& table : parts.tables) {
    tables.push_back({table.name, std::as_bytes(std::span(table.bytes))});
  }
  return from_parts(parts.settings, tables);
} catch (...) {
  throw_as_error();
}

std::string Tokenizer::to_json() const try {
  return close_document(impl_->open_document, *impl_->model, nullptr);
} catch (...) {
  throw_as_error();
}

Tokenizer::Parts Tokenizer::to_parts() const try {
  Parts parts;
  parts.settings = close_document(impl_->open_document, *impl_->model, &parts.tables);
  return parts;
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
