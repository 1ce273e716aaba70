#include "sapwood/model_files.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/border.h"
#include "base/file.h"

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

bool is_part(const std::string& name, bool shards, bool bin_shards) {
  const auto ends = [&](std::string_view ending) { return name.ends_with(ending); };
  return std::find(std::begin(kPartNames), std::end(kPartNames), name) != std::end(kPartNames) ||
         std::any_of(std::begin(kPartEndings), std::end(kPartEndings), ends) ||
         (shards && ends(".safetensors")) || (bin_shards && ends(".bin"));
}

void add_parts(const Folder& folder, std::vector<fs::path>& files) {
  // Which files are shards stands in the index. The index may be damaged, so that every file that
  // could be one counts.
  const bool shards = folder.has(kIndex), bin_shards = folder.has(kBinIndex);
  for (const std::string& name : folder.names()) {
    if (is_part(name, shards, bin_shards)) files.push_back(folder.path() / name);
  }
}

}  // namespace

std::vector<fs::path> model_files(const fs::path& model) try {
  std::error_code error;
  std::vector<fs::path> files;
  if (fs::is_directory(model, error)) {
    const Folder folder = Folder::open(model);
    add_parts(folder, files);
    for (const std::string& name : folder.names()) {
      const auto module = folder.find_folder(name);
      const auto has = [&](std::string_view sign) { return module->has(sign); };
      if (module && std::any_of(std::begin(kModelSigns), std::end(kModelSigns), has)) {
        add_parts(*module, files);
      }
    }
    return files;
  }
  files.push_back(model);
  if (model.extension() == ".json" || model.extension() == ".txt") {
    for (const std::string_view name : kTokenizerSettings) {
      const fs::path beside = model.parent_path() / name;
      if (fs::exists(beside, error)) files.push_back(beside);
    }
  }
  return files;
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
