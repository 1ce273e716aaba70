#include "checkpoint/shard_index.h"

#include <map>
#include <new>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "checkpoint/message.h"
#include "checkpoint/safetensors.h"
#include "sapwood/error.h"

namespace sapwood {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using WeightMap = std::map<std::string, std::string>;  // tensor -> shard

constexpr std::int64_t kMaxShards = 4096;
constexpr std::int64_t kMaxDepth = 16;  // of "metadata", whose contents are not used

// Collects "weight_map" and skips everything else, to a bounded depth.
class IndexHandler final : public nlohmann::json_sax<json> {
 public:
  IndexHandler(const std::string& label, WeightMap& map) : label_(label), map_(map) {}

  bool null() override { return other("null"); }
  bool boolean(bool) override { return other("a boolean"); }
  bool number_integer(number_integer_t) override { return other("a number"); }
  bool number_unsigned(number_unsigned_t) override { return other("a number"); }
  bool number_float(number_float_t, const string_t&) override { return other("a number"); }
  bool binary(binary_t&) override { return other("binary data"); }
  bool start_array(std::size_t) override { return other("an array") && deeper(); }
  bool end_array() override { return --depth_, true; }

  bool string(string_t& value) override {
    if (!in_map()) return other("a string");
    map_[tensor_] = std::move(value);
    return true;
  }

  bool start_object(std::size_t) override {
    if (depth_ == 0) return deeper();
    if (depth_ == 1 && at_map_) {
      map_seen_ = true;
      return deeper();
    }
    return other("an object") && deeper();
  }

  bool key(string_t& name) override {
    if (depth_ == 1) {
      at_map_ = name == "weight_map";
      if (at_map_ && map_seen_) fail("weight_map appears twice");
    } else if (in_map()) {
      tensor_ = std::move(name);
      if (static_cast<std::int64_t>(map_.size()) == kMaxTensors) {
        fail("expected at most " + std::to_string(kMaxTensors) + " tensors, found more");
      }
      if (!map_.try_emplace(tensor_).second) {
        fail("weight_map: tensor " + quote(tensor_) + " appears twice");
      }
    }
    return true;
  }

  bool end_object() override { return --depth_, true; }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    fail("not valid UTF-8 JSON at byte " + std::to_string(position));
  }

  bool map_seen() const { return map_seen_; }

 private:
  bool in_map() const { return depth_ == 2 && at_map_; }

  bool deeper() {
    if (++depth_ > kMaxDepth) {
      fail("nested deeper than " + std::to_string(kMaxDepth) + " levels");
    }
    return true;
  }

  bool other(const char* found) {
    if (depth_ == 0) fail(std::string("expected an object, found ") + found);
    if (depth_ == 1 && at_map_) {
      fail(std::string("weight_map: expected an object, found ") + found);
    }
    if (in_map()) {
      fail("weight_map: tensor " + quote(tensor_) + ": expected a file name, found " + found);
    }
    return true;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::malformed, label_ + ": " + what);
  }

  const std::string& label_;
  WeightMap& map_;
  std::string tensor_;
  std::int64_t depth_ = 0;
  bool at_map_ = false;
  bool map_seen_ = false;
};

WeightMap parse_index(const MappedFile& file) {
  const std::string label = file.path().string();
  if (file.size() > kMaxSafetensorsHeader) {
    throw Error(ErrorCode::malformed, label + ": expected at most " +
                                          std::to_string(kMaxSafetensorsHeader) + " bytes, found " +
                                          std::to_string(file.size()));
  }
  WeightMap map;
  IndexHandler handler(label, map);
  const char* const text = reinterpret_cast<const char*>(file.data());
  json::sax_parse(text, text + file.size(), &handler);
  if (!handler.map_seen() || map.empty()) {
    throw Error(ErrorCode::malformed, label + ": expected a weight_map with tensors, found none");
  }
  return map;
}

// A cache of the Hugging Face hub keeps REPO/snapshots/REVISION/NAME as links to REPO/blobs/HASH.
bool is_hub_blob(const fs::path& directory, const fs::path& target) {
  return directory.parent_path().filename() == "snapshots" &&
         target.parent_path() == directory.parent_path().parent_path() / "blobs";
}

fs::path resolve_shard(const fs::path& index_path, const std::string& name) {
  const std::string where = index_path.string() + ": weight_map: shard " + quote(name) + ": ";
  if (name.empty() || name == "." || name == ".." ||
      name.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos) {
    throw Error(ErrorCode::malformed,
                where + "expected the name of a file in the index's own directory");
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
  return path;
}

}  // namespace

TensorSource open_shards(const fs::path& index_path, FileAccess access, ShardOpener open_shard) {
  MappedFile index = MappedFile::open(index_path, access);
  const WeightMap map = parse_index(index);
  std::map<std::string, std::vector<const std::string*>> shards;  // shard -> its tensors
  for (const auto& [tensor, shard] : map) shards[shard].push_back(&tensor);
  if (static_cast<std::int64_t>(shards.size()) > kMaxShards) {
    throw Error(ErrorCode::malformed, index_path.string() + ": expected at most " +
                                          std::to_string(kMaxShards) + " shards, found " +
                                          std::to_string(shards.size()));
  }
  // All names are checked before the first shard is opened.
  std::vector<fs::path> paths;
  for (const auto& [name, tensors] : shards) paths.push_back(resolve_shard(index_path, name));

  TensorSource whole;
  whole.set_path(index_path);
  whole.own(std::move(index));
  std::size_t i = 0;
  for (const auto& [name, tensors] : shards) {
    TensorSource shard = open_shard(paths[i++], access);
    for (const std::string* tensor : tensors) {
      if (shard.find(*tensor) == nullptr) {
        throw Error(ErrorCode::mismatch, index_path.string() + ": tensor " + quote(*tensor) +
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
  return whole;
}

}  // namespace sapwood
