#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/border.h"
#include "base/file.h"
#include "load/hub_cache.h"
#include "model_folders.h"
#include "sapwood/model.h"

namespace sapwood {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kConverted = ".safetensors";

// `error` is set where the system does not say, as in a folder that must not be read.
bool is_there(const fs::path& path, std::error_code& error) {
  std::error_code code;
  const fs::file_type type = fs::status(path, code).type();
  if (type == fs::file_type::none) error = code;
  return type != fs::file_type::none && type != fs::file_type::not_found;
}

// Where nobody else will say that the system did not: of a folder that must not be read, who opens it does. A link to
// itself leads to nothing.
void require_told(const fs::path& path, const std::error_code& error) {
  if (error && error != std::errc::no_such_file_or_directory &&
      error != std::errc::not_a_directory && error != std::errc::permission_denied &&
      error != std::errc::too_many_symbolic_link_levels) {
    throw_errno(path, "cannot look up", error.value());
  }
}

bool must_be_there(const fs::path& path) {
  std::error_code error;
  const bool there = is_there(path, error);
  require_told(path, error);
  return there;
}

bool is_hub_folder(const fs::path& path) {
  return hub_id(path) && must_be_there(path / "snapshots");
}

// A folder that holds one converted file (a shipped model with its card) stands for that file, and
// a model's folder in a Hugging Face cache for its snapshot.
fs::path resolved(const fs::path& path) {
  if (is_hub_folder(path)) return resolved(hub_snapshot(path));
  const fs::path file = path / "model.safetensors";
  // A configuration that leads nowhere or cannot be read is one all the same.
  const auto has_config = [&] {
    std::error_code error;
    const fs::file_type type = fs::symlink_status(path / "config.json", error).type();
    require_told(path / "config.json", error);
    return type != fs::file_type::not_found;
  };
  const bool converted =
      must_be_there(file) && !has_config() &&
      !must_be_there(path / "modules.json");  // sentence-transformers' static embeddings
  return converted ? file : path;
}

bool is_model(const fs::path& path) {
  return path.extension() == kConverted || must_be_there(path / "config.json") ||
         must_be_there(path / "modules.json") || must_be_there(path / "model.safetensors");
}

// Whether a folder in a Hugging Face cache holds a model as far as its files' names tell.
bool is_hub_model(const fs::path& path) {
  try {
    return is_hub_folder(path) && is_model(hub_snapshot(path));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::out_of_memory) throw;
    return false;
  }
}

// Whether a folder may be listed; true, too, where that is not the reason why it cannot be.
bool may_list(const fs::path& folder) {
  return ::access(folder.c_str(), R_OK | X_OK) == 0 || (errno != EACCES && errno != ENOTDIR);
}

// What of `folder` is a model, sorted. Nothing where there is no such folder, or one that must not be read. (The
// standard library's iterator ends the program where it finds no memory.)
template <class IsModel>
std::vector<fs::path> models_in(const fs::path& folder, IsModel is) {
  std::vector<fs::path> models;
  try {
    for (const std::string& name : Folder::open(folder).names()) {
      if (is(folder / name)) models.push_back(folder / name);
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found && may_list(folder)) throw;
  }
  return models;
}

// Where a name was looked for, and without success.
class Search {
 public:
  explicit Search(std::string_view name) : name_(name) {}

  std::optional<fs::path> in_folders(std::span<const fs::path> folders) {
    // Such a name is one path component: "../x" or "a/b" can only be a path.
    if (name_.empty() || name_.find('/') != name_.npos || name_ == "." || name_ == "..") return {};
    for (const fs::path& folder : folders) {
      std::error_code error;
      for (const fs::path& candidate :
           {folder / name_, folder / (std::string(name_) + std::string(kConverted))}) {
        if (is_there(candidate, error)) return resolved(candidate);
      }
      add(looked_.empty() ? ", and not a model in " : ", ", folder, error);
    }
    return {};
  }

  std::optional<fs::path> in_hub_cache() {
    const auto hub = parse_hub_name(name_);
    const auto cache = hub_cache();
    if (!hub || !cache) return {};
    std::error_code error;
    const fs::path folder = hub_folder(*cache, *hub);
    if (is_there(folder, error)) return resolved(hub_snapshot(folder, hub->revision));
    add(looked_.empty() ? ", and not in the Hugging Face cache " : ", or the Hugging Face cache ",
        *cache, error);
    if (hub->id.find('/') != hub->id.npos) advice_ = download_advice(*hub) + ", or ";
    return {};
  }

  [[noreturn]] void fail() const {
    throw Error(ErrorCode::not_found,
                "no model '" + std::string(name_) + "': not a path" + looked_ + "; " + advice_ +
                    "give a directory, a converted file or a name, or set SAPWOOD_MODELS");
  }

 private:
  void add(const char* words, const fs::path& folder, const std::error_code& error) {
    looked_ += words + folder.string();
    if (error) looked_ += " (which cannot be read: " + error.message() + ")";
  }

  std::string_view name_;
  std::string looked_, advice_;
};

}  // namespace

std::vector<fs::path> list_models(std::span<const fs::path> folders) try {
  std::vector<fs::path> models;
  std::set<std::string> names;  // of the same name, find_model takes the first
  const auto add = [&](const std::vector<fs::path>& found) {
    for (const fs::path& path : found) {
      if (names.insert(model_name(path)).second) models.push_back(path);
    }
  };
  for (const fs::path& folder : model_folders(folders)) add(models_in(folder, is_model));
  if (const auto cache = hub_cache()) add(models_in(*cache, is_hub_model));
  return models;
} catch (...) {
  throw_as_error();
}

std::string model_name(const fs::path& listed) {
  if (const auto id = hub_id(listed)) return *id;
  return (listed.extension() == kConverted ? listed.stem() : listed.filename()).string();
}

fs::path find_model(std::string_view name, std::span<const fs::path> folders) try {
  const fs::path path(name);
  std::error_code refused;
  if (!name.empty() && is_there(path, refused)) return resolved(path);
  Search search(name);
  if (const auto found = search.in_folders(model_folders(folders))) return *found;
  if (const auto found = search.in_hub_cache()) return *found;
  // Unreadable is not missing.
  if (refused) throw_errno(path, "cannot look up", refused.value());
  search.fail();
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
