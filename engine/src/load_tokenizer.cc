// A tokenizer without its model.
#include <cmath>

#include "architecture/parse_config.h"
#include "base/border.h"
#include "base/file.h"
#include "base/notices.h"
#include "config/sentence.h"
#include "load/hub_cache.h"
#include "load/max_length.h"
#include "sapwood/model.h"

namespace sapwood {
namespace {

namespace fs = std::filesystem;

// The configuration may be that of any model, with a tokenizer that this version has. Of a model
// that it cannot run, the positions are where most configurations have them.
std::optional<int> read_positions(const JsonValue& config) {
  try {
    return parse_config(config).max_positions;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::out_of_memory) throw;
  }
  constexpr double kMostPositions = 1 << 20;
  const auto positions = config.find("max_position_embeddings");
  if (!positions || !positions->is_number()) return std::nullopt;
  const double number = positions->number();
  if (!(number >= 1 && number <= kMostPositions) || std::floor(number) != number) {
    return std::nullopt;
  }
  return static_cast<int>(number);
}

LoadedTokenizer load_from(const Folder& outer, const VocabOptions& options) {
  Notices notices;
  const std::optional<Folder> inner = transformer_folder(outer);
  const Folder& folder = inner ? *inner : outer;
  Tokenizer tokenizer = Tokenizer::load(folder, options);
  const std::optional<int> sentence = read_sentence_length(outer, notices);
  std::optional<int> positions;
  if (const auto config = folder.find("config.json")) {
    positions = read_positions(read_json(*config, notices).root());
  }
  notices.add(tokenizer.notices());
  const std::optional<int> length = resolve_max_length(sentence, &tokenizer, positions);
  return {std::move(tokenizer), length, notices.list()};
}

}  // namespace

LoadedTokenizer load_tokenizer(std::span<const NamedBuffer> files,
                               const VocabOptions& options) try {
  return load_from(Folder("memory", files), options);
} catch (...) {
  throw_as_error();
}

LoadedTokenizer load_tokenizer(const fs::path& path, const VocabOptions& options) try {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    return reading_directory(path, [&] { return load_from(Folder::open(path), options); });
  }
  if (path.extension() != ".txt" && path.extension() != ".json") {
    const Model model = Model::load(path);
    return {model.tokenizer(), model.max_length(), model.notices()};
  }
  Tokenizer tokenizer = Tokenizer::load(path, options);
  const std::optional<int> length = resolve_max_length({}, &tokenizer, {});
  std::vector<std::string> notices = tokenizer.notices();
  return {std::move(tokenizer), length, std::move(notices)};
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
