// Checkpoints in several files, and the choice among the files of a directory.
#include <filesystem>

#include "catch.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors.h"
#include "checkpoint_files.h"

using namespace sapwood;
using namespace sapwood::test;
namespace fs = std::filesystem;

namespace {

constexpr const char* kIndex = "model.safetensors.index.json";

std::string one_tensor(const std::string& name) {
  return safetensors("{\"" + name + "\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
                     8);
}

// A directory with shards one.safetensors (tensor a) and two.safetensors (tensor b) and this index.
void index_refused(const std::string& index, ErrorCode code,
                   const std::vector<std::string>& parts) {
  INFO(index.substr(0, 200));
  const ScratchDir dir;
  dir.write("one.safetensors", one_tensor("a"));
  dir.write("two.safetensors", one_tensor("b"));
  const auto path = dir.write(kIndex, index);
  check_refused([&] { open_checkpoint(path); }, code, parts);
}

std::string map_of(const std::string& a, const std::string& b) {
  return R"({"metadata":{"total_size":16},"weight_map":{"a":")" + a + R"(","b":")" + b + "\"}}";
}

}  // namespace

TEST_CASE("shards: tensors of all shards, files in a fixed order") {
  const ScratchDir dir;
  dir.write("one.safetensors", one_tensor("a"));
  dir.write("two.safetensors", one_tensor("b"));
  const auto path = dir.write(kIndex, map_of("one.safetensors", "two.safetensors"));
  const TensorSource source = open_checkpoint(dir.path());
  CHECK(source.path() == path);
  CHECK(source.names() == std::vector<std::string>{"a", "b"});
  REQUIRE(source.files().size() == 3);
  CHECK(source.files()[0].path() == path);
  CHECK(source.files()[1].path() == dir / "one.safetensors");
  CHECK(source.files()[2].path() == dir / "two.safetensors");
  CHECK(source.at("b").data > source.files()[2].data());
}

TEST_CASE("hostile 21: a shard name that leads out of the directory") {
  const char* const names[] = {
      "../../etc/passwd",      "/etc/passwd",           "..", ".", "", "sub/one.safetensors",
      "..\\\\one.safetensors", "one\\u0000.safetensors"};
  for (const char* name : names) {
    index_refused(map_of("one.safetensors", name), ErrorCode::malformed,
                  {kIndex, "weight_map", "the index's own directory"});
  }
}

TEST_CASE("shards: a name that no library gives a shard is refused") {
  for (const char* name : {"two.dat", "two", "two.bin", ".two.safetensors", "two.safetensors.x"}) {
    index_refused(map_of("one.safetensors", name), ErrorCode::malformed,
                  {kIndex, name, "NAME.safetensors"});
  }
  const ScratchDir dir;
  const auto path =
      dir.write("pytorch_model.bin.index.json", map_of("one.safetensors", "one.safetensors"));
  check_refused([&] { open_checkpoint(path); }, ErrorCode::malformed, {"NAME.bin"});
}

TEST_CASE("hostile 21: a shard that is a link out of the directory") {
  const ScratchDir outside;
  outside.write("two.safetensors", one_tensor("b"));
  const ScratchDir dir;
  dir.write("one.safetensors", one_tensor("a"));
  const auto path = dir.write(kIndex, map_of("one.safetensors", "two.safetensors"));
  fs::create_symlink(outside / "two.safetensors", dir / "two.safetensors");
  check_refused([&] { open_checkpoint(path); }, ErrorCode::malformed,
                {"'two.safetensors'", "symbolic link"});

  fs::remove(dir / "two.safetensors");  // a link within the directory is fine
  dir.write("real.safetensors", one_tensor("b"));
  fs::create_symlink("real.safetensors", dir / "two.safetensors");
  CHECK(open_checkpoint(path).tensors().size() == 2);
}

TEST_CASE("shards: the links of a Hugging Face cache are followed") {
  const ScratchDir cache;
  fs::create_directories(cache / "blobs");
  fs::create_directories(cache / "snapshots/main");
  cache.write("blobs/0123", one_tensor("a"));
  cache.write("blobs/4567", one_tensor("b"));
  const auto path = cache.write(std::string("snapshots/main/") + kIndex,
                                map_of("one.safetensors", "two.safetensors"));
  fs::create_symlink("../../blobs/0123", cache / "snapshots/main/one.safetensors");
  fs::create_symlink("../../blobs/4567", cache / "snapshots/main/two.safetensors");
  CHECK(open_checkpoint(path).tensors().size() == 2);
}

TEST_CASE("hostile 21: shards that are missing or do not hold what the index says") {
  index_refused(map_of("one.safetensors", "three.safetensors"), ErrorCode::not_found,
                {"'three.safetensors'"});
  index_refused(map_of("one.safetensors", "one.safetensors"), ErrorCode::mismatch,
                {"'b'", "'one.safetensors'"});
  index_refused(map_of("two.safetensors", "one.safetensors"), ErrorCode::mismatch,
                {"'b'", "'one.safetensors'"});
  const ScratchDir dir;
  dir.write("one.safetensors", one_tensor("a"));
  dir.write("two.safetensors", one_tensor("a"));
  const auto path =
      dir.write(kIndex, R"({"weight_map":{"a":"one.safetensors","x":"two.safetensors"}})");
  check_refused([&] { open_checkpoint(path); }, ErrorCode::mismatch, {"'x'"});
  const ScratchDir twice;
  twice.write("one.safetensors", one_tensor("a"));
  twice.write("two.safetensors",
              safetensors(R"({"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},)"
                          R"("b":{"dtype":"U8","shape":[],"data_offsets":[1,2]}})",
                          2));
  const auto index = twice.write(kIndex, map_of("one.safetensors", "two.safetensors"));
  check_refused([&] { open_checkpoint(index); }, ErrorCode::mismatch, {"'a'", "two shards"});
}

TEST_CASE("shards: an index that is not an index") {
  index_refused("nonsense", ErrorCode::malformed, {"not valid JSON"});
  index_refused("[]", ErrorCode::malformed, {"expected an object"});
  index_refused("{}", ErrorCode::malformed, {"weight_map"});
  index_refused(R"({"weight_map":{}})", ErrorCode::malformed, {"weight_map"});
  index_refused(R"({"weight_map":["a"]})", ErrorCode::malformed, {"weight_map"});
  index_refused(R"({"weight_map":{"a":1}})", ErrorCode::malformed, {"weight_map.a", "a file name"});
  index_refused(R"({"weight_map":{"a":{"b":"c"}}})", ErrorCode::malformed, {"weight_map.a"});
  index_refused(R"({"weight_map":{"a":"x","a":"y"}})", ErrorCode::malformed,
                {"weight_map.a", "twice"});
  index_refused(R"({"weight_map":{"a":"x"},"weight_map":{"a":"y"}})", ErrorCode::malformed,
                {"weight_map", "twice"});
  index_refused("{\"metadata\":" + std::string(100'000, '['), ErrorCode::malformed, {"nested"});
}

TEST_CASE("checkpoint: which file of a directory is chosen") {
  const ScratchDir dir;
  check_refused([&] { open_checkpoint(dir.path()); }, ErrorCode::not_found,
                {dir.path().string(), "model.safetensors", "pytorch_model.bin",
                 "pytorch_model.bin.index.json", kIndex});
  check_refused([&] { open_checkpoint(dir / "absent"); }, ErrorCode::not_found, {"absent"});
  dir.write("pytorch_model.bin", "x");
  check_refused([&] { open_checkpoint(dir.path()); }, ErrorCode::malformed, {"torch.save"});
  dir.write(kIndex, "x");
  check_refused([&] { open_checkpoint(dir.path()); }, ErrorCode::malformed, {kIndex});
  dir.write("model.safetensors", one_tensor("a"));
  CHECK(open_checkpoint(dir.path()).path() == dir / "model.safetensors");
  CHECK(open_checkpoint(dir / "model.safetensors").tensors().size() == 1);
  dir.write("weights", one_tensor("a"));  // by content where the name says nothing
  CHECK(open_checkpoint(dir / "weights").tensors().size() == 1);
}
