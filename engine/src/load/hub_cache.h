// The cache of the Hugging Face libraries, as huggingface_hub lays it out:
//
//   models--ORG--NAME/refs/main                a commit's hash
//   models--ORG--NAME/snapshots/HASH/FILE      a link into ../../blobs
//
// It is only read. Others write it, and nothing in it is trusted.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "sapwood/error.h"

namespace sapwood {

// A model's name on the hub: "org/name" or a bare "name", with "@REVISION" behind it or not.
struct HubName {
  std::string id;
  std::string revision;  // a branch, a tag or a commit; empty where none was given
};

// Nothing where the hub has no such names; so a HubName can be joined to a folder.
std::optional<HubName> parse_hub_name(std::string_view name);

// The cache's folder: $HF_HUB_CACHE, else $HUGGINGFACE_HUB_CACHE, else hub in $HF_HOME, else
// huggingface/hub in $XDG_CACHE_HOME, else in ~/.cache. Nothing where none of them and no $HOME is
// set. A variable that is empty counts as not set; "~" at its beginning is $HOME, other variables in
// it are not replaced.
std::optional<std::filesystem::path> hub_cache();

// The folder that a model has in a cache: models--ORG--NAME.
std::filesystem::path hub_folder(const std::filesystem::path& cache, const HubName& name);

// The name of such a folder, "org/name"; nothing where the folder is not called so.
std::optional<std::string> hub_id(const std::filesystem::path& folder);

// The snapshot that a model's folder in a cache (hub_id knows it) has for a revision; for none, for
// "main", or the only one where no "main" is known. Throws Error: not_found where there is none, malformed where
// what names it is no commit's hash, io.
std::filesystem::path hub_snapshot(const std::filesystem::path& folder,
                                   const std::string& revision = "");

// What to do about a model that the cache lacks: "download it with the Hugging Face library: ...".
std::string download_advice(const HubName& name, std::string_view it = "it");

// The error that reading a model's directory ended with. Where a file is missing from a snapshot of
// the cache, it says in addition how to get it.
Error explain_partial_download(const Error& error, const std::filesystem::path& directory);

// What `read` gives; its errors are explained.
template <class Read>
auto reading_directory(const std::filesystem::path& directory, Read read) {
  try {
    return read();
  } catch (const Error& error) {
    throw explain_partial_download(error, directory);
  }
}

}  // namespace sapwood
