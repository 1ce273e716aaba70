// Whether a model loads, part by part.
#include <algorithm>
#include <functional>
#include <system_error>
#include <utility>

#include "architecture/parse_config.h"
#include "base/border.h"
#include "base/file.h"
#include "base/notices.h"
#include "config/sentence.h"
#include "load/converted.h"
#include "load/directory.h"
#include "load/hub_cache.h"
#include "load/vocabularies.h"
#include "sapwood/inspect.h"

namespace sapwood {
namespace {

namespace fs = std::filesystem;

// What is wrong with one part hides nothing of the others.
void look_at(LoadCheck& check, const std::function<void()>& part) {
  try {
    part();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::out_of_memory) throw;
    const std::string problem = error.what();
    const auto& known = check.problems;
    if (std::find(known.begin(), known.end(), problem) == known.end()) {
      check.problems.push_back(problem);
    }
  }
}

void describe(LoadCheck& check, const ModelConfig& config, const Notices& notices) {
  check.architecture = config.architecture;
  check.head = to_string(config.head);
  check.notices = notices.list();
}

// What config.json alone says, where not all that belongs to it is there.
void describe_config(LoadCheck& check, const Folder& folder) {
  look_at(check, [&] {
    const auto file = folder.find("config.json");
    if (!file) return;
    Notices notices;
    const JsonDocument config = read_json(*file, notices);
    if (const auto type = config.root().find("model_type"); type && type->is_string()) {
      check.architecture = type->string();
    }
    const ModelConfig parsed = parse_config(config.root(), &notices);
    describe(check, parsed, notices);
  });
}

void add_notices(LoadCheck& check, const std::vector<std::string>& told) {
  check.notices.insert(check.notices.end(), told.begin(), told.end());
}

// `config`: nothing where it could not be read.
void check_tokenizer(LoadCheck& check, const Tokenizer& tokenizer,
                     const std::optional<ModelConfig>& config) {
  check.tokenizer = tokenizer.model_type();
  add_notices(check, tokenizer.notices());
  if (!config) return;
  Notices notices;
  compare_vocabularies(*config, tokenizer, check.path.string(), notices);
  add_notices(check, notices.list());
}

void check_directory(LoadCheck& check) {
  std::optional<ModelConfig> config;
  Folder folder = Folder::open(check.path);
  look_at(check, [&] {
    DirectorySource source = open_directory(Folder::open(check.path));
    const LoadedParts parts = describe_directory(source);
    describe(check, parts.config, parts.notices);
    config = parts.config;
    PackedWeights::check(source.checkpoint, parts.config);
    folder = std::move(source.folder);
  });
  if (!config) describe_config(check, folder);
  look_at(check, [&] {
    const Tokenizer tokenizer =
        reading_directory(check.path, [&] { return Tokenizer::load(folder); });
    check_tokenizer(check, tokenizer, config);
  });
}

void check_converted(LoadCheck& check) {
  look_at(check, [&] {
    const LoadedParts parts = load_converted(InputFile::open(check.path), true);
    describe(check, parts.config, parts.notices);
    if (parts.tokenizer) check_tokenizer(check, *parts.tokenizer, parts.config);
  });
}

}  // namespace

LoadCheck check_load(const fs::path& path) try {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::none) throw_errno(path, "cannot look up", error.value());
  if (!fs::exists(status)) {
    throw Error(ErrorCode::not_found, path.string() + ": no such model file or directory");
  }
  LoadCheck check;
  check.path = path;
  fs::is_directory(status) ? check_directory(check) : check_converted(check);
  return check;
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
