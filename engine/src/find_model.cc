#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "base/border.h"
#include "base/file.h"
#include "sapwood/model.h"

namespace sapwood {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> model_folders() {
  std::vector<fs::path> folders;
  if (const char* list = std::getenv("SAPWOOD_MODELS")) {
    for (std::string_view rest = list; !rest.empty();) {
      const std::size_t colon = rest.find(':');
      if (colon != 0) folders.emplace_back(rest.substr(0, colon));
      rest = colon == std::string_view::npos ? "" : rest.substr(colon + 1);
    }
  }
  // Beside the installed program: prefix/bin/sapwood and prefix/share/sapwood/models.
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) folders.push_back(program.parent_path().parent_path() / "share/sapwood/models");
  folders.emplace_back(SAPWOOD_SOURCE_MODELS);
  return folders;
}

// `error` is set where the system does not say, as in a folder that must not be read.
bool is_there(const fs::path& path, std::error_code& error) {
  std::error_code code;
  const fs::file_type type = fs::status(path, code).type();
  if (type == fs::file_type::none) error = code;
  return type != fs::file_type::none && type != fs::file_type::not_found;
}

// A folder that holds one converted file (a shipped model with its card) stands for that file.
fs::path resolved(const fs::path& path) {
  std::error_code error;
  const fs::path file = path / "model.safetensors";
  // A configuration that leads nowhere or cannot be read is one all the same.
  const bool converted =
      fs::is_directory(path, error) && fs::exists(file, error) &&
      fs::symlink_status(path / "config.json", error).type() == fs::file_type::not_found;
  return converted ? file : path;
}

bool is_model(const fs::path& path) {
  std::error_code error;
  return path.extension() == ".safetensors" || fs::exists(path / "config.json", error) ||
         fs::exists(path / "model.safetensors", error);
}

// Nothing where there is no such folder, or one that cannot be read. (The standard library's
// iterator ends the program where it finds no memory.)
std::vector<std::string> names_in(const fs::path& folder) {
  try {
    return Folder::open(folder).names();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::out_of_memory) throw;
    return {};
  }
}

}  // namespace

std::vector<fs::path> list_models() try {
  std::vector<fs::path> models;
  std::set<std::string> names;  // of the same name, find_model takes the first
  for (const fs::path& folder : model_folders()) {
    for (const std::string& name : names_in(folder)) {
      const fs::path path = folder / name;
      if (is_model(path) && names.insert(path.stem().string()).second) models.push_back(path);
    }
  }
  return models;
} catch (...) {
  throw_as_error();
}

fs::path find_model(std::string_view name) try {
  const fs::path path(name);
  std::error_code refused;
  if (!name.empty() && is_there(path, refused)) return resolved(path);
  std::string looked;
  // A name is one path component: "../x" or "a/b" can only be a path, and that does not exist.
  const bool is_name =
      !name.empty() && name.find('/') == std::string_view::npos && name != "." && name != "..";
  if (is_name) {
    for (const fs::path& folder : model_folders()) {
      std::error_code error;
      for (const fs::path& candidate :
           {folder / name, folder / (std::string(name) + ".safetensors")}) {
        if (is_there(candidate, error)) return resolved(candidate);
      }
      looked += (looked.empty() ? "" : ", ") + folder.string();
      if (error) looked += " (which cannot be read: " + error.message() + ")";
    }
  }
  // Unreadable is not missing.
  if (refused) throw_errno(path, "cannot look up", refused.value());
  throw Error(ErrorCode::not_found,
              "no model '" + std::string(name) + "': not a path" +
                  (is_name ? ", and not a model in " + looked : std::string()) +
                  "; give a directory, a converted file or a name, or set SAPWOOD_MODELS");
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
