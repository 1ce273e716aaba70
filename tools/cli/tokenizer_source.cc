#include "tokenizer_source.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/quote.h"
#include "sapwood/model.h"
#include "usage_error.h"

namespace sapwood::cli {
namespace {

namespace fs = std::filesystem;
using InputJson = nlohmann::json;

// An object from a file beside the tokenizer; null where there is no such file.
InputJson read_json(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return nullptr;
  try {
    return InputJson::parse(file);
  } catch (const InputJson::exception& error) {
    throw Error(ErrorCode::malformed,
                printable(path.string()) + " is not JSON: " + printable(error.what()));
  }
}

std::optional<int> positive(const InputJson& object, const char* name) {
  if (!object.is_object()) return std::nullopt;
  const auto at = object.find(name);
  if (at == object.end() || !at->is_number_integer()) return std::nullopt;
  const auto value = at->get<std::int64_t>();
  if (value < 1 || value > std::numeric_limits<int>::max()) return std::nullopt;
  return static_cast<int>(value);
}

// The positions that config.json has room for: its own place in each architecture.
std::optional<int> positions(const InputJson& config) {
  if (const auto own = positive(config, "max_position_embeddings")) return own;
  if (!config.is_object() || !config.contains("arch")) return std::nullopt;
  const InputJson& arch = config["arch"];
  if (!arch.is_object() || !arch.contains("embedding")) return std::nullopt;
  return positive(arch["embedding"], "max_seq_length");
}

// As Model::max_length: sentence_bert_config, the truncation section, model_max_length, positions;
// never more than the positions.
std::optional<int> length_limit(const fs::path& directory, const Tokenizer& tokenizer) {
  const std::optional<int> room = positions(read_json(directory / "config.json"));
  std::optional<int> limit =
      positive(read_json(directory / "sentence_bert_config.json"), "max_seq_length");
  if (!limit && tokenizer.truncation()) limit = tokenizer.truncation()->max_length;
  if (!limit) limit = tokenizer.model_max_length();
  if (!limit || !room) return limit ? limit : room;
  return std::min(*limit, *room);
}

}  // namespace

TokenizerSource load_tokenizer(const fs::path& path, std::optional<bool> lowercase,
                               std::optional<bool> strip_accents) {
  const bool directory = fs::is_directory(path);
  const std::string extension = path.extension().string();
  if (!directory && extension != ".txt" && extension != ".json") {
    const Model model = Model::load(path);
    return {model.tokenizer(), model.max_length()};
  }
  VocabOptions vocab;
  vocab.lowercase = lowercase;
  vocab.strip_accents = strip_accents;
  try {
    Tokenizer tokenizer = Tokenizer::load(path, vocab);
    const std::optional<int> limit = directory ? length_limit(path, tokenizer)
                                     : tokenizer.truncation()
                                         ? std::optional<int>(tokenizer.truncation()->max_length)
                                         : tokenizer.model_max_length();
    return {std::move(tokenizer), limit};
  } catch (const Error& error) {
    if (error.code() != ErrorCode::invalid_argument || lowercase) throw;
    throw UsageError(std::string(error.what()) + " (give --lowercase or --no-lowercase)");
  }
}

}  // namespace sapwood::cli
