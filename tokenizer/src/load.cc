// Finding and reading a tokenizer's files.
#include "base/border.h"
#include "base/file.h"
#include "base/quote.h"
#include "impl.h"
#include "prefix_space.h"
#include "tokenizer_class.h"

namespace sapwood {
namespace {

namespace fs = std::filesystem;

// The JSON of one of the small files, if there is one.
template <class Read>
void read_file(const Folder& folder, const char* name, Notices& notices, Read read) {
  const auto file = folder.find(name);
  if (!file) return;
  const auto json = JsonDocument::parse(file->read(kMaxConfigBytes), file->path().string());
  read(json.root());
  notices.add(json.doubled_key_notices());
}

// Where tokenizer_config.json does not name the class, transformers asks the model's configuration.
void read_model_class(const Folder& folder, TokenizerConfig& config) {
  Notices told_by_the_model;
  read_file(folder, "config.json", told_by_the_model, [&](const JsonValue& model) {
    const auto text = [&](const char* key) {
      const auto value = model.find(key);
      return value && value->is_string() ? value->string() : std::string_view();
    };
    config.tokenizer_class = text("tokenizer_class");
    config.class_place = model.path();
    if (config.tokenizer_class.empty()) {
      config.tokenizer_class = class_of_model_type(text("model_type"));
    }
  });
}

// Which files count, and which of them more than others, is as in transformers
// (PreTrainedTokenizerBase._from_pretrained).
TokenizerConfig read_config(const Folder& folder, TokenizerFiles files) {
  TokenizerConfig config;
  bool decoder = false;
  read_file(folder, "tokenizer_config.json", config.notices,
            [&](const JsonValue& root) { decoder = config.read(root); });
  if (decoder) {
    // They do not count then, but a link that leads nowhere is told.
    for (const char* file : {"special_tokens_map.json", "added_tokens.json"}) folder.find(file);
  } else {
    read_file(folder, "special_tokens_map.json", config.notices,
              [&](const JsonValue& root) { config.read_special_tokens_map(root); });
    read_file(folder, "added_tokens.json", config.notices,
              [&](const JsonValue& root) { config.read_added_tokens(root); });
  }
  // A tokenizer_config.json without do_lower_case means true, as in transformers' BERT tokenizers.
  if (config.settles_length && !config.lowercase) config.lowercase = true;
  if (config.tokenizer_class.empty()) read_model_class(folder, config);
  check_tokenizer_class({config.tokenizer_class, config.class_place, config.remote_code}, files,
                        config.notices);
  config.settle();
  return config;
}

VocabOptions merge(VocabOptions options, const TokenizerConfig& config) {
  const VocabOptions defaults;
  auto take = [](std::string& slot, const std::string& usual,
                 const std::optional<std::string>& value) {
    if (slot == usual && value) slot = *value;
  };
  take(options.cls_token, defaults.cls_token, config.cls);
  take(options.sep_token, defaults.sep_token, config.sep);
  take(options.mask_token, defaults.mask_token, config.mask);
  take(options.pad_token, defaults.pad_token, config.pad);
  take(options.unk_token, defaults.unk_token, config.unk);
  if (!options.lowercase) options.lowercase = config.lowercase;
  if (!options.strip_accents) options.strip_accents = config.strip_accents;
  if (options.tokenize_chinese_chars) {
    options.tokenize_chinese_chars = config.tokenize_chinese_chars.value_or(true);
  }
  if (!options.model_max_length) options.model_max_length = config.model_max_length;
  if (config.clean_up_tokenization_spaces) {
    options.clean_up_tokenization_spaces = *config.clean_up_tokenization_spaces;
  }
  return options;
}

// The first difference between a vocab.txt and the vocabulary of the tokenizer.json beside it; empty
// where they are the same. `lines` are in the order of their ids.
std::string difference(const std::vector<VocabularyEntry>& lines, const Vocabulary& json) {
  std::vector<std::string_view> by_id(
      lines.empty() ? 0 : static_cast<std::size_t>(lines.back().id) + 1);
  for (const VocabularyEntry& e : lines) by_id[static_cast<std::size_t>(e.id)] = e.token;
  for (int32_t id = 0; id < json.size(); ++id) {
    if (!json.has(id)) continue;
    const auto at = static_cast<std::size_t>(id);
    const std::string_view line = at < by_id.size() ? by_id[at] : "";
    if (line != json.token(id)) {
      return "the id " + std::to_string(id) + " is " +
             (line.empty() ? "no token's" : "that of " + quote(line)) + " in one and that of " +
             quote(json.token(id)) + " in the other";
    }
  }
  const auto count = static_cast<std::size_t>(json.count());
  if (lines.size() == count) return "";
  return std::to_string(lines.size()) + " tokens in one and " + std::to_string(count) +
         " in the other";
}

std::shared_ptr<const Tokenizer::Impl> load_json(const InputFile& json, const InputFile* vocab,
                                                 TokenizerConfig config) {
  JsonDocument document = JsonDocument::parse(json.read(kMaxTokenizerBytes), json.path().string());
  settle_prefix_space(document, config);
  auto impl = build_tokenizer({std::move(document)}, std::move(config));
  if (vocab) {
    // The references read tokenizer.json where there is one, and nothing else.
    const std::string lines = vocab->read(kMaxTokenizerBytes);
    const std::string what =
        difference(parse_vocab_txt(lines, vocab->path().string()), impl->model->vocabulary());
    if (!what.empty()) {
      impl->notices.add(vocab->path().string() + " and tokenizer.json differ (" + what +
                        "); tokenizer.json counts");
    }
  }
  return impl;
}

std::shared_ptr<const Tokenizer::Impl> load_vocab(const InputFile& vocab,
                                                  const VocabOptions& options,
                                                  TokenizerConfig config) {
  const VocabOptions merged = merge(options, config);
  return build_from_vocab(vocab.read(kMaxTokenizerBytes), vocab.path().string(), merged,
                          std::move(config));
}

}  // namespace

Tokenizer Tokenizer::load(const Folder& folder, const VocabOptions& options) {
  const auto json = folder.find("tokenizer.json"), vocab = folder.find("vocab.txt");
  if (!json && !vocab) {
    const auto bytes = folder.find("vocab.json"), merges = folder.find("merges.txt");
    if (bytes && merges) {
      return Tokenizer(build_from_merges(*bytes, *merges,
                                         read_config(folder, TokenizerFiles::vocab_and_merges)));
    }
    throw Error(ErrorCode::not_found,
                folder.path().string() +
                    " has neither tokenizer.json nor vocab.txt, nor vocab.json with merges.txt");
  }
  TokenizerConfig config =
      read_config(folder, json ? TokenizerFiles::tokenizer_json : TokenizerFiles::vocab_txt);
  return Tokenizer(json ? load_json(*json, vocab ? &*vocab : nullptr, std::move(config))
                        : load_vocab(*vocab, options, std::move(config)));
}

Tokenizer Tokenizer::load(const fs::path& path, const VocabOptions& options) try {
  std::error_code error;
  if (fs::is_directory(path, error)) return load(Folder::open(path), options);
  const InputFile file = InputFile::open(path);
  const bool json = path.extension() == ".json";
  TokenizerConfig config =
      read_config(Folder::open(path.has_parent_path() ? path.parent_path() : fs::path(".")),
                  json ? TokenizerFiles::tokenizer_json : TokenizerFiles::vocab_txt);
  return Tokenizer(json ? load_json(file, nullptr, std::move(config))
                        : load_vocab(file, options, std::move(config)));
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
