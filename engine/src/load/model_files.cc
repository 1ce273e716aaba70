#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

#include "sapwood/model_files.h"

namespace sapwood {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kIndex = "model.safetensors.index.json";
constexpr std::string_view kBinIndex = "pytorch_model.bin.index.json";
// Also what other libraries read of such a folder: overwriting it would damage the model for them.
constexpr std::string_view kPartNames[] = {
    "model.safetensors", "pytorch_model.bin", "tokenizer.json", "added_tokens.json", "modules.json",
    "vocab.txt",         "vocab.json",        "merges.txt",     "idf.json"};
constexpr std::string_view kPartEndings[] = {"config.json", "tokens_map.json", ".index.json"};
// Of these alone a folder can be recognised as a model, or as a module of one.
constexpr std::string_view kModelSigns[] = {"config.json", "tokenizer.json", "model.safetensors",
                                            "pytorch_model.bin"};
constexpr std::string_view kTokenizerSettings[] = {"tokenizer_config.json",
                                                   "special_tokens_map.json", "added_tokens.json"};

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// Calls visit(path) for each entry of a folder; an unreadable one has none.
template <class Visit>
void for_each_entry(const fs::path& folder, Visit visit) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    visit(it->path());
  }
}

void add_parts(const fs::path& folder, std::vector<fs::path>& files) {
  // Which files are shards stands in the index. The index may be damaged, so that every file that
  // could be one counts.
  const bool shards = is_there(folder / kIndex), bin_shards = is_there(folder / kBinIndex);
  for_each_entry(folder, [&](const fs::path& path) {
    const std::string name = path.filename().string();
    const auto ends = [&](std::string_view ending) { return name.ends_with(ending); };
    if (std::find(std::begin(kPartNames), std::end(kPartNames), name) != std::end(kPartNames) ||
        std::any_of(std::begin(kPartEndings), std::end(kPartEndings), ends) ||
        (shards && ends(".safetensors")) || (bin_shards && ends(".bin"))) {
      files.push_back(path);
    }
  });
}

}  // namespace

std::vector<fs::path> model_files(const fs::path& model) {
  std::error_code error;
  std::vector<fs::path> files;
  if (fs::is_directory(model, error)) {
    add_parts(model, files);
    for_each_entry(model, [&](const fs::path& path) {
      const auto has = [&](std::string_view sign) { return is_there(path / sign); };
      if (std::any_of(std::begin(kModelSigns), std::end(kModelSigns), has)) add_parts(path, files);
    });
    return files;
  }
  files.push_back(model);
  if (model.extension() == ".json" || model.extension() == ".txt") {
    for (const std::string_view name : kTokenizerSettings) {
      const fs::path beside = model.parent_path() / name;
      if (is_there(beside)) files.push_back(beside);
    }
  }
  return files;
}

}  // namespace sapwood
