#include "load/hub_cache.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "base/file.h"
#include "base/quote.h"

namespace sapwood {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "models--", kSeparator = "--";
constexpr std::size_t kLongestName = 96;  // as the hub has it
constexpr std::size_t kHashDigits = 40;
constexpr std::int64_t kMostRefBytes = 1024;
constexpr std::size_t kMostRevisions = 8;  // that a message names

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

// One part of a name: it may not begin or end with '-' or '.', so that it is neither an option, nor
// hidden, nor "..".
bool is_name_part(std::string_view part) {
  const auto is_edge = [](char c) { return c == '-' || c == '.'; };
  return !part.empty() && part.size() <= kLongestName && !is_edge(part.front()) &&
         !is_edge(part.back()) && std::all_of(part.begin(), part.end(), is_name_character);
}

bool is_id(std::string_view id) {
  const std::size_t slash = id.find('/');
  if (id.find("--") != id.npos || id.find("..") != id.npos) return false;
  return slash == id.npos ? is_name_part(id)
                          : is_name_part(id.substr(0, slash)) && is_name_part(id.substr(slash + 1));
}

// A branch may have slashes: "refs/pr/1".
bool is_revision(std::string_view revision) {
  for (;;) {
    const std::size_t slash = revision.find('/');
    if (!is_name_part(revision.substr(0, slash))) return false;
    if (slash == revision.npos) return true;
    revision.remove_prefix(slash + 1);
  }
}

bool is_hash(std::string_view text) {
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == kHashDigits && std::all_of(text.begin(), text.end(), is_digit);
}

// "~" and "~/..." as the Hugging Face libraries read it; empty where $HOME is not set.
fs::path at_home(std::string_view path) {
  const bool home = path == "~" || path.starts_with("~/");
  if (!home) return path;
  const char* folder = std::getenv("HOME");
  if (folder == nullptr || *folder == '\0') return {};
  path.remove_prefix(std::min<std::size_t>(path.size(), 2));
  return path.empty() ? fs::path(folder) : fs::path(folder) / path;
}

// Empty where the variable is.
fs::path variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? fs::path() : at_home(value);
}

// The commit that a file in refs/ names; empty where there is no such file.
std::string read_ref(const Folder& folder, const std::string& name) {
  const auto file = folder.find(fs::path("refs") / name);
  if (!file) return {};
  std::string text = file->read(kMostRefBytes);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (is_hash(text)) return text;
  throw Error(ErrorCode::malformed,
              file->path().string() +
                  ": expected the hash of a commit (40 hexadecimal digits), found " + quote(text) +
                  "; " + download_advice({*hub_id(folder.path()), name}, "the model again"));
}

std::vector<std::string> snapshots_of(const Folder& folder) {
  const auto snapshots = folder.find_folder("snapshots");
  return snapshots ? snapshots->names() : std::vector<std::string>();
}

std::string listed(const std::vector<std::string>& names) {
  std::string list;
  for (std::size_t i = 0; i < std::min(names.size(), kMostRevisions); ++i) {
    list += (i == 0 ? "" : ", ") + printable(names[i]);
  }
  return list + (names.size() > kMostRevisions ? ", ..." : "");
}

}  // namespace

std::optional<HubName> parse_hub_name(std::string_view name) {
  const std::size_t at = name.find('@');
  HubName parsed{std::string(name.substr(0, at)), {}};
  if (!is_id(parsed.id)) return std::nullopt;
  if (at != name.npos) {
    parsed.revision = name.substr(at + 1);
    if (!is_revision(parsed.revision)) return std::nullopt;
  }
  return parsed;
}

std::optional<fs::path> hub_cache() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (fs::path folder = variable(name); !folder.empty()) return folder;
  }
  if (const fs::path home = variable("HF_HOME"); !home.empty()) return home / "hub";
  fs::path cache = variable("XDG_CACHE_HOME");
  if (cache.empty()) cache = at_home("~/.cache");
  if (cache.empty()) return std::nullopt;
  return cache / "huggingface/hub";
}

fs::path hub_folder(const fs::path& cache, const HubName& name) {
  std::string folder = name.id;
  if (const std::size_t slash = folder.find('/'); slash != folder.npos) {
    folder.replace(slash, 1, kSeparator);
  }
  return cache / (std::string(kPrefix) + folder);
}

std::optional<std::string> hub_id(const fs::path& folder) {
  const fs::path named = folder.has_filename() ? folder : folder.parent_path();
  std::string id = named.filename().string();
  if (!id.starts_with(kPrefix)) return std::nullopt;
  id.erase(0, kPrefix.size());
  if (const std::size_t at = id.find(kSeparator); at != id.npos) {
    id.replace(at, kSeparator.size(), "/");
  }
  return is_id(id) ? std::optional(id) : std::nullopt;
}

fs::path hub_snapshot(const fs::path& path, const std::string& revision) {
  const Folder folder = Folder::open(path);
  const HubName name{*hub_id(path), revision};
  const std::vector<std::string> snapshots = snapshots_of(folder);
  const std::string wanted = revision.empty() ? "main" : revision;
  std::string hash = is_hash(wanted) ? wanted : read_ref(folder, wanted);
  if (hash.empty() && revision.empty()) {
    if (snapshots.size() > 1) {
      throw Error(ErrorCode::not_found,
                  path.string() + ": expected refs/main, which names the snapshot to use, found " +
                      "none and several snapshots; name one of them: " + name.id +
                      "@REVISION, where REVISION is one of " + listed(snapshots));
    }
    if (snapshots.size() == 1) hash = snapshots.front();
  }
  if (std::find(snapshots.begin(), snapshots.end(), hash) != snapshots.end()) {
    return path / "snapshots" / hash;
  }
  throw Error(ErrorCode::not_found,
              path.string() + ": expected a snapshot of '" + wanted + "'" +
                  (hash.empty() || hash == wanted ? "" : " (commit " + hash + ")") + ", found " +
                  (snapshots.empty() ? "no snapshots" : "only " + listed(snapshots)) + "; " +
                  download_advice(name, "it"));
}

std::string download_advice(const HubName& name, std::string_view it) {
  std::string advice = "download " + std::string(it);
  advice += " with the Hugging Face library: hf download " + name.id;
  if (!name.revision.empty() && name.revision != "main") advice += " --revision " + name.revision;
  return advice;
}

Error explain_partial_download(const Error& error, const fs::path& directory) {
  // .../models--ORG--NAME/snapshots/HASH
  const fs::path snapshot = directory.has_filename() ? directory : directory.parent_path();
  const fs::path snapshots = snapshot.parent_path();
  const auto id = hub_id(snapshots.parent_path());
  const bool missing = error.code() == ErrorCode::not_found || error.code() == ErrorCode::io;
  if (!missing || !id || snapshots.filename() != "snapshots") return error;
  // A link that leads nowhere is a blob that was removed; another file that cannot be read is no
  // matter of downloading.
  const std::string message = error.what();
  if (error.code() == ErrorCode::io && message.find("leads nowhere") == message.npos) return error;
  return Error(error.code(),
               message + "; only a part of the model was downloaded into the Hugging Face cache: " +
                   download_advice({*id, snapshot.filename().string()}, "it again"));
}

}  // namespace sapwood
