#include "input_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/quote.h"
#include "sapwood/model.h"
#include "usage_error.h"

namespace sapwood::cli {
namespace {

// False where there is no such file.
bool get_status(const std::string& path, int standard, struct stat& status) {
  const bool is_standard = path.empty() || path == "-";
  return (is_standard ? ::fstat(standard, &status) : ::stat(path.c_str(), &status)) == 0;
}

}  // namespace

void InputFiles::require_other(const std::string& output) const {
  struct stat target {};
  // A device or a pipe can be read and written at once.
  if (!get_status(output, STDOUT_FILENO, target) || !S_ISREG(target.st_mode)) return;
  const auto check = [&](const std::string& path) {
    struct stat status {};
    if (!get_status(path, STDIN_FILENO, status)) return;  // who reads it says so
    if (status.st_dev != target.st_dev || status.st_ino != target.st_ino) return;
    const bool to_stdout = output.empty() || output == "-";
    throw UsageError("the output (" + (to_stdout ? "standard output" : printable(output)) +
                     ") and the input (" + (path == "-" ? "standard input" : printable(path)) +
                     ") are the same file; write to another one");
  };
  for (const std::string& path : files_) check(path);
  for (const std::filesystem::path& model : models_) {
    for (const std::filesystem::path& path : model_files(model)) check(path.string());
  }
}

}  // namespace sapwood::cli
