#include "model_folders.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <system_error>

namespace sapwood {
namespace {

namespace fs = std::filesystem;

// The file that this code was loaded from. In a program that holds the library itself that is the
// program, as it was called: without a path where the shell searched for it.
fs::path this_library() {
  Dl_info info{};
  const void* const code = reinterpret_cast<const void*>(&models_beside);
  if (::dladdr(code, &info) == 0 || info.dli_fname == nullptr) return {};
  const std::string_view name = info.dli_fname;
  std::error_code error;
  return name.find('/') == name.npos ? fs::path() : fs::canonical(name, error);
}

}  // namespace

fs::path models_beside(const fs::path& file) {
  constexpr std::string_view kModels = "share/sapwood/models";
  const fs::path prefix = file.parent_path().parent_path();
  std::error_code error;
  if (fs::is_directory(prefix / kModels, error)) return prefix / kModels;
  const fs::path above = prefix.parent_path() / kModels;
  return fs::is_directory(above, error) ? above : prefix / kModels;
}

std::vector<fs::path> model_folders(std::span<const fs::path> first) {
  std::vector<fs::path> folders;
  const auto add = [&](const fs::path& folder) {
    if (std::find(folders.begin(), folders.end(), folder) == folders.end()) {
      folders.push_back(folder);
    }
  };
  for (const fs::path& folder : first) add(folder);
  if (const char* list = std::getenv("SAPWOOD_MODELS")) {
    for (std::string_view rest = list; !rest.empty();) {
      const std::size_t colon = rest.find(':');
      if (colon != 0) add(rest.substr(0, colon));
      rest = colon == std::string_view::npos ? "" : rest.substr(colon + 1);
    }
  }
  if (const fs::path library = this_library(); !library.empty()) add(models_beside(library));
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) add(models_beside(program));
  add(SAPWOOD_SOURCE_MODELS);
  return folders;
}

}  // namespace sapwood
