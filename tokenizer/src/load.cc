// Finding and reading a tokenizer's files.
#include <fstream>
#include <system_error>

#include "impl.h"

namespace sapwood {
namespace {

namespace fs = std::filesystem;

// More than any vocabulary; keeps a device or a wrong file from filling the memory.
constexpr std::uintmax_t kMaxFileBytes = std::uintmax_t{1} << 30;

std::string read_file(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) {
    throw Error(fs::exists(path, error) ? ErrorCode::io : ErrorCode::not_found,
                path.string() + ": expected a file" +
                    (fs::exists(path, error) ? ", found something else" : ", found nothing"));
  }
  const std::uintmax_t size = fs::file_size(path, error);
  if (error) throw Error(ErrorCode::io, path.string() + ": " + error.message());
  if (size > kMaxFileBytes) {
    throw Error(ErrorCode::malformed, path.string() + " has " + std::to_string(size) +
                                          " bytes; a tokenizer's file has at most " +
                                          std::to_string(kMaxFileBytes));
  }
  std::ifstream in(path, std::ios::binary);
  std::string bytes(static_cast<std::size_t>(size), '\0');
  if (!in || !in.read(bytes.data(), static_cast<std::streamsize>(size))) {
    throw Error(ErrorCode::io, path.string() + " cannot be read");
  }
  return bytes;
}

// Adds the file's name to what an error says.
template <typename Call>
auto naming(const fs::path& path, Call call) {
  try {
    return call();
  } catch (const Error& e) {
    throw Error(e.code(), path.string() + ": " + e.what());
  }
}

TokenizerConfig read_config(const fs::path& directory) {
  TokenizerConfig config;
  std::error_code error;
  for (const char* name : {"tokenizer_config.json", "special_tokens_map.json"}) {
    const fs::path path = directory / name;
    if (!fs::exists(path, error)) continue;
    const bool had = config.present;
    naming(directory, [&] { config.read(read_file(path), name); });
    // The map of special tokens says nothing of how text is prepared.
    if (std::string_view(name) == "special_tokens_map.json") config.present = had;
  }
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
  // A tokenizer_config.json without do_lower_case means true, as in transformers' BERT tokenizers.
  if (!options.lowercase && config.present) options.lowercase = config.lowercase.value_or(true);
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

// A vocab.txt beside a tokenizer.json is for other readers, which must not read something else.
void require_same(const std::vector<VocabularyEntry>& lines,
                  const std::vector<VocabularyEntry>& json, const fs::path& directory) {
  std::vector<std::string_view> by_id(lines.size());
  for (const VocabularyEntry& e : lines) by_id[static_cast<std::size_t>(e.id)] = e.token;
  auto fail = [&](const std::string& what) {
    throw Error(ErrorCode::mismatch, directory.string() +
                                         ": vocab.txt and tokenizer.json disagree: " + what +
                                         "; remove the one that is wrong");
  };
  for (const VocabularyEntry& e : json) {
    if (e.id < 0 || e.id >= static_cast<int64_t>(by_id.size())) {
      fail("the id " + std::to_string(e.id) + " of \"" + std::string(e.token) +
           "\" is beyond the " + std::to_string(by_id.size()) + " lines of vocab.txt");
    }
    const std::string_view line = by_id[static_cast<std::size_t>(e.id)];
    if (line != e.token) {
      fail("the id " + std::to_string(e.id) + " is \"" + std::string(line) + "\" in one and \"" +
           std::string(e.token) + "\" in the other");
    }
  }
  if (json.size() < lines.size()) {
    fail(std::to_string(lines.size()) + " tokens in one and " + std::to_string(json.size()) +
         " in the other");
  }
}

}  // namespace

Tokenizer Tokenizer::load(const fs::path& path, const VocabOptions& options) {
  std::error_code error;
  const bool is_directory = fs::is_directory(path, error);
  const fs::path directory = is_directory ? path : path.parent_path();
  fs::path json = path, vocab = path;
  if (is_directory) {
    json = path / "tokenizer.json";
    vocab = path / "vocab.txt";
  }
  const bool has_json = is_directory ? fs::exists(json, error) : path.extension() == ".json";
  const bool has_vocab = is_directory ? fs::exists(vocab, error) : !has_json;
  if (!has_json && !has_vocab) {
    throw Error(ErrorCode::not_found, path.string() + " has neither tokenizer.json nor vocab.txt");
  }
  if (has_json) {
    const std::string text = read_file(json);
    TokenizerConfig config = read_config(directory);
    return naming(json, [&] {
      const TokenizerFile file = read_tokenizer_json(text);
      Tokenizer tokenizer(build_tokenizer(file.document, file.vocabulary, std::move(config)));
      if (has_vocab) {
        const std::string lines = read_file(vocab);
        require_same(parse_vocab_txt(lines, vocab.string()), file.vocabulary, directory);
      }
      return tokenizer;
    });
  }
  const std::string text = read_file(vocab);
  const VocabOptions merged = merge(options, read_config(directory));
  return naming(vocab, [&] { return from_vocab(text, merged); });
}

}  // namespace sapwood
