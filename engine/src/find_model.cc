#include <cstdlib>

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

}  // namespace

fs::path find_model(std::string_view name) {
  std::error_code error;
  if (!name.empty() && fs::exists(fs::path(name), error)) return fs::path(name);
  std::string looked;
  // A name is one path component: "../x" or "a/b" can only be a path, and that does not exist.
  const bool is_name =
      !name.empty() && name.find('/') == std::string_view::npos && name != "." && name != "..";
  if (is_name) {
    for (const fs::path& folder : model_folders()) {
      for (const fs::path& candidate :
           {folder / name, folder / (std::string(name) + ".safetensors")}) {
        if (fs::exists(candidate, error)) return candidate;
      }
      looked += (looked.empty() ? "" : ", ") + folder.string();
    }
  }
  throw Error(ErrorCode::not_found,
              "no model '" + std::string(name) + "': not a path" +
                  (is_name ? ", and not a model in " + looked : std::string()) +
                  "; give a directory, a converted file or a name, or set SAPWOOD_MODELS");
}

}  // namespace sapwood
