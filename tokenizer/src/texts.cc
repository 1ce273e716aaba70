// A tokenizer from text and back: one tokenizer.json, a vocab.txt, or the two parts of a converted
// model.
#include <algorithm>

#include "base/border.h"
#include "impl.h"
#include "sapwood/utf8.h"

namespace sapwood {
namespace {

constexpr char kLineEnd = '\n';

// A token that a line of Parts::vocabulary cannot hold.
bool has_line_end(std::string_view token) { return token.find(kLineEnd) != std::string_view::npos; }

// The tokens that `wanted` takes.
template <typename Wanted>
std::vector<VocabularyEntry> entries_of(const Vocabulary& vocabulary, const Wanted& wanted) {
  std::vector<VocabularyEntry> entries;
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    if (vocabulary.has(id) && wanted(vocabulary.token(id))) {
      entries.push_back({vocabulary.token(id), id});
    }
  }
  return entries;
}

// Parts::vocabulary: appends the tokens of its lines.
void read_lines(std::string_view text, std::vector<VocabularyEntry>& entries) {
  constexpr std::string_view kWhat = "the vocabulary's text";
  const std::size_t invalid = utf8::find_invalid(text);
  if (invalid != utf8::kValid) {
    throw Error(ErrorCode::malformed,
                std::string(kWhat) + " is not UTF-8 at byte " + std::to_string(invalid));
  }
  if (!text.empty() && text.back() != kLineEnd) {
    throw Error(ErrorCode::malformed,
                std::string(kWhat) + ": expected a line end at its end: it was cut short");
  }
  entries.reserve(entries.size() +
                  static_cast<std::size_t>(std::count(text.begin(), text.end(), kLineEnd)));
  int64_t id = 0;
  for (std::size_t at = 0; at < text.size(); ++id) {
    const std::size_t end = text.find(kLineEnd, at);
    if (end > at) entries.push_back({text.substr(at, end - at), id});
    at = end + 1;
  }
}

}  // namespace

Tokenizer Tokenizer::from_json(std::string_view tokenizer_json,
                               std::string_view tokenizer_config) try {
  TokenizerConfig config;
  if (!tokenizer_config.empty()) {
    config.read(JsonDocument::parse(std::string(tokenizer_config), "tokenizer_config.json").root());
  }
  return Tokenizer(build_tokenizer(
      read_tokenizer_json(std::string(tokenizer_json), "tokenizer.json"), std::move(config)));
} catch (...) {
  throw_as_error();
}

Tokenizer Tokenizer::from_vocab(std::string_view vocab_txt, const VocabOptions& options) try {
  return Tokenizer(build_from_vocab(vocab_txt, "vocab.txt", options, {}));
} catch (...) {
  throw_as_error();
}

Tokenizer Tokenizer::from_parts(std::string_view settings, std::string_view vocabulary) try {
  TokenizerDocument document = read_tokenizer_json(std::string(settings), "tokenizer.json");
  read_lines(vocabulary, document.vocabulary);
  return Tokenizer(build_tokenizer(document, {}));
} catch (...) {
  throw_as_error();
}

std::string Tokenizer::to_json() const try {
  return with_vocabulary(impl_->open_document, entries_of(impl_->model.vocabulary(),
                                                          [](std::string_view) { return true; }));
} catch (...) {
  throw_as_error();
}

Tokenizer::Parts Tokenizer::to_parts() const try {
  const Vocabulary& vocabulary = impl_->model.vocabulary();
  Parts parts{
      .settings = with_vocabulary(impl_->open_document, entries_of(vocabulary, has_line_end)),
      .vocabulary = {}};
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    if (vocabulary.has(id) && !has_line_end(vocabulary.token(id))) {
      parts.vocabulary += vocabulary.token(id);
    }
    parts.vocabulary += kLineEnd;
  }
  return parts;
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
