#include "checkpoint/shard_index.h"

#include <map>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/quote.h"
#include "checkpoint/safetensors.h"
#include "sapwood/error.h"

namespace sapwood {
namespace {

namespace fs = std::filesystem;
using Shards = std::map<std::string, std::vector<std::string>>;  // shard -> its tensors

constexpr std::int64_t kMaxShards = 4096;

Shards parse_index(std::string text, const fs::path& path) {
  const auto document =
      JsonDocument::parse(std::move(text), path.string(), {.doubled_keys = DoubledKeys::error});
  const JsonValue map = document.root().at("weight_map");
  Shards shards;
  std::int64_t tensors = 0;
  for (const JsonValue tensor : map.members()) {
    if (!tensor.is_string()) tensor.expected("a file name");
    if (++tensors > kMaxTensors) {
      map.fail("expected at most " + std::to_string(kMaxTensors) + " tensors, found more");
    }
    shards[std::string(tensor.string())].emplace_back(tensor.key());
    if (static_cast<std::int64_t>(shards.size()) > kMaxShards) {
      map.fail("expected at most " + std::to_string(kMaxShards) + " shards, found more");
    }
  }
  if (tensors == 0) map.fail("expected tensors, found none");
  return shards;
}

// A cache of the Hugging Face hub keeps REPO/snapshots/REVISION/NAME as links to REPO/blobs/HASH.
bool is_hub_blob(const fs::path& directory, const fs::path& target) {
  return directory.parent_path().filename() == "snapshots" &&
         target.parent_path() == directory.parent_path().parent_path() / "blobs";
}

// Shards have the names that libraries give them, so that whoever lists a model's files without
// reading the index (model_files does) finds them all.
bool is_shard_name(std::string_view name, std::string_view ending) {
  return name.ends_with(ending) && !name.starts_with('.') &&
         name.find_first_of(std::string_view("/\\\0", 3)) == name.npos;
}

fs::path resolve_shard(const fs::path& index_path, const std::string& name, const Folder* memory) {
  const std::string where = index_path.string() + ": weight_map: shard " + quote(name) + ": ";
  const char* const ending =
      index_path.filename().string().ends_with(".bin.index.json") ? ".bin" : ".safetensors";
  if (!is_shard_name(name, ending)) {
    throw Error(ErrorCode::malformed,
                where + "expected the name of a file in the index's own directory, NAME" + ending);
  }
  if (memory != nullptr) {
    if (memory->has(name)) return name;
    throw Error(ErrorCode::not_found, where + "is not among the files that were given");
  }
  const fs::path directory = index_path.has_parent_path() ? index_path.parent_path() : ".";
  const fs::path path = directory / name;
  std::error_code error;
  const fs::path target = fs::canonical(path, error);
  if (error == std::errc::not_enough_memory) throw std::bad_alloc();
  if (error) {
    const bool absent = error == std::errc::no_such_file_or_directory;
    throw Error(absent ? ErrorCode::not_found : ErrorCode::io, where + error.message());
  }
  const fs::path real_directory = fs::canonical(directory, error);
  if (error == std::errc::not_enough_memory) throw std::bad_alloc();
  if (error) throw Error(ErrorCode::io, where + error.message());
  if (target.parent_path() != real_directory && !is_hub_blob(real_directory, target)) {
    throw Error(ErrorCode::malformed, where + "is a symbolic link that leads out of the directory");
  }
  return target;
}

void add_shard(TensorSource& whole, TensorSource shard, const fs::path& index_path,
               const std::string& name, const std::vector<std::string>& tensors) {
  for (const std::string& tensor : tensors) {
    if (shard.find(tensor) == nullptr) {
      throw Error(ErrorCode::mismatch, index_path.string() + ": tensor " + quote(tensor) +
                                           ": expected in the shard " + quote(name) +
                                           ", which does not have it");
    }
  }
  for (const TensorView& tensor : shard.tensors()) {
    if (whole.find(tensor.name) != nullptr) {
      throw Error(ErrorCode::mismatch, index_path.string() + ": tensor " + quote(tensor.name) +
                                           " is in two shards; the second is " + quote(name));
    }
  }
  whole.merge(std::move(shard));
}

}  // namespace

TensorSource open_shards(InputFile index, ShardOpener open_shard, const Folder* memory) {
  const fs::path path = index.path();
  const Shards shards = parse_index(index.read(kMaxIndexBytes), path);
  // All names are checked before the first shard is opened.
  std::vector<fs::path> targets;
  for (const auto& [name, tensors] : shards) targets.push_back(resolve_shard(path, name, memory));

  TensorSource whole;
  whole.set_path(path);
  whole.own(MappedFile(std::move(index)));
  auto target = targets.begin();
  for (const auto& [name, tensors] : shards) {
    InputFile shard = memory != nullptr ? memory->at(*target) : InputFile::open(*target);
    add_shard(whole, open_shard(std::move(shard)), path, name, tensors);
    ++target;
  }
  return whole;
}

}  // namespace sapwood
