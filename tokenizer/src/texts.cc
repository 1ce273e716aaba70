// A tokenizer from text and back: one tokenizer.json, a vocab.txt, or the two parts of a converted
// model.
#include <algorithm>

#include "impl.h"
#include "json_node.h"
#include "sapwood/tokenizer/utf8.h"

namespace sapwood {
namespace {

constexpr char kLineEnd = '\n';

// A token that a line of Parts::vocabulary cannot hold.
bool has_line_end(std::string_view token) { return token.find(kLineEnd) != std::string_view::npos; }

// The document with the tokens that `wanted` takes as its model.vocab.
template <typename Wanted>
std::string with_vocabulary(const std::string& text, const Vocabulary& vocabulary,
                            const Wanted& wanted) {
  std::string vocab = "{";
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    if (!vocabulary.has(id) || !wanted(vocabulary.token(id))) continue;
    if (vocab.size() > 1) vocab += ',';
    vocab += Json(std::string(vocabulary.token(id))).dump();
    vocab += ':';
    vocab += std::to_string(id);
  }
  vocab += '}';
  const Json document = parse_json(text, "tokenizer.json");
  std::string out = "{";
  for (const auto& [key, value] : document.items()) {
    if (out.size() > 1) out += ',';
    out += Json(key).dump() + ':';
    if (key != "model") {
      out += value.dump();
      continue;
    }
    std::string model = value.dump();
    model.pop_back();
    out += model + (model.size() > 1 ? "," : "") + "\"vocab\":" + vocab + '}';
  }
  return out + '}';
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

Tokenizer Tokenizer::from_json(std::string_view tokenizer_json, std::string_view tokenizer_config) {
  TokenizerConfig config;
  if (!tokenizer_config.empty()) config.read(tokenizer_config, "tokenizer_config.json");
  const TokenizerFile file = read_tokenizer_json(tokenizer_json);
  return Tokenizer(build_tokenizer(file.document, file.vocabulary, std::move(config)));
}

Tokenizer Tokenizer::from_vocab(std::string_view vocab_txt, const VocabOptions& options) {
  const auto vocabulary = parse_vocab_txt(vocab_txt, "vocab.txt");
  TokenizerConfig config;
  config.cls = options.cls_token;
  config.sep = options.sep_token;
  config.mask = options.mask_token;
  config.pad = options.pad_token;
  config.model_max_length = options.model_max_length;
  config.clean_up_tokenization_spaces = options.clean_up_tokenization_spaces;
  return Tokenizer(build_tokenizer(document_for_vocab(vocabulary, options), vocabulary, config));
}

Tokenizer Tokenizer::from_parts(std::string_view settings, std::string_view vocabulary) {
  TokenizerFile file = read_tokenizer_json(settings);
  read_lines(vocabulary, file.vocabulary);
  return Tokenizer(build_tokenizer(file.document, file.vocabulary, {}));
}

std::string Tokenizer::to_json() const {
  return with_vocabulary(impl_->document, impl_->model.vocabulary(),
                         [](std::string_view) { return true; });
}

Tokenizer::Parts Tokenizer::to_parts() const {
  const Vocabulary& vocabulary = impl_->model.vocabulary();
  Parts parts{.settings = with_vocabulary(impl_->document, vocabulary, has_line_end),
              .vocabulary = {}};
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    if (vocabulary.has(id) && !has_line_end(vocabulary.token(id))) {
      parts.vocabulary += vocabulary.token(id);
    }
    parts.vocabulary += kLineEnd;
  }
  return parts;
}

}  // namespace sapwood
