// The converted file: valid safetensors, aligned, checked at load, whole or not there at all.
#include <sys/resource.h>

#include <csignal>

#include "catch.h"
#include "mutate.h"
#include "sapwood/convert.h"
#include "sapwood/inspect.h"

namespace sapwood::test {
namespace {

const fs::path sentiment = golden_dir() / "distilbert-fff-sentiment";

struct Converted {
  Converted() : file(folder.path() / "model.safetensors") { convert(sentiment, file); }
  TemporaryFolder folder;
  fs::path file;
};

TEST_CASE("a converted file is valid safetensors with aligned tensors", "[converted]") {
  const Converted c;
  const TensorSource source = open_checkpoint(c.file);
  CHECK(source.metadata().at("sapwood.format_version") == "2");
  CHECK(source.metadata().at("sapwood.task") == "sequence_classification");
  CHECK(source.metadata().at("sapwood.source_sha256").size() == 64);
  CHECK_FALSE(source.metadata().at("sapwood.tokenizer").empty());
  for (const TensorView& t : source.tensors()) {
    if (t.name.starts_with(kPadPrefix)) continue;
    CHECK((t.data - source.files()[0].data()) % kTensorAlignment == 0);
  }
  const ModelInfo info = inspect(Model::load(c.file));
  CHECK(info.format == "converted");
  CHECK(info.unused_tensors.empty());
  CHECK(info.parameters == inspect(Model::load(sentiment)).parameters);
}

TEST_CASE("HOSTILE 23: a type that the tensors do not have is refused", "[converted][hostile]") {
  const Converted c;
  const fs::path bad = c.folder.path() / "bad.safetensors";
  rewrite(c.file, bad, [](auto&, auto& metadata) { metadata["sapwood.dtype"] = "int8"; });
  check_load_error(bad, ErrorCode::mismatch, {"embeddings.word", "expected I8"});
}

TEST_CASE("HOSTILE 23: metadata of another format is refused by name", "[converted][hostile]") {
  const Converted c;
  const fs::path bad = c.folder.path() / "bad.safetensors";
  const auto check = [&](const std::string& key, const std::string& value, ErrorCode code) {
    rewrite(c.file, bad, [&](auto&, auto& metadata) {
      metadata[key] = value;
      if (value.empty()) metadata.erase(key);
    });
    INFO(key << " = " << value);
    check_load_error(bad, code, {key});
  };
  check("sapwood.format_version", "0", ErrorCode::unsupported);
  check("sapwood.format_version", "1", ErrorCode::unsupported);
  check("sapwood.format_version", "3", ErrorCode::unsupported);
  check("sapwood.dtype", "int4", ErrorCode::unsupported);
  check("sapwood.decisions", "f16", ErrorCode::unsupported);
  check("sapwood.exceptions", "[1]", ErrorCode::malformed);
  check("sapwood.exceptions", "{\"layers.0.ffn\": 8}", ErrorCode::malformed);
  check("sapwood.layout", "panels-8", ErrorCode::unsupported);
  check("sapwood.byte_order", "big", ErrorCode::unsupported);
  check("sapwood.labels", "-1", ErrorCode::malformed);
  check("sapwood.labels", "3x", ErrorCode::malformed);
  check("sapwood.config", "{\"model_type\"", ErrorCode::malformed);
  for (const char* key : {"sapwood.layout", "sapwood.byte_order", "sapwood.config",
                          "sapwood.labels", "sapwood.parameters", "sapwood.source_sha256"}) {
    check(key, "", ErrorCode::malformed);
  }
}

TEST_CASE("HOSTILE 23: packed sizes must fit the configuration", "[converted][hostile]") {
  const Converted c;
  const fs::path bad = c.folder.path() / "bad.safetensors";
  rewrite(c.file, bad, [](auto& tensors, auto&) {
    EditedTensor& t = find(tensors, "layers.0.attention.qkv.weight");
    t.shape = {t.shape[0] * t.shape[1], 1, t.shape[2]};
  });
  check_load_error(bad, ErrorCode::mismatch, {"layers.0.attention.qkv.weight"});
  rewrite(c.file, bad, [](auto& tensors, auto&) { tensors.pop_back(); });
  check_load_error(bad, ErrorCode::mismatch, {"missing"});
  // A deeper tree than the nodes that are there.
  rewrite(c.file, bad, [](auto&, auto& metadata) {
    json config = json::parse(metadata["sapwood.config"]);
    config["feed_forward"]["depth"] = config["feed_forward"]["depth"].template get<int>() + 1;
    metadata["sapwood.config"] = config.dump();
  });
  check_load_error(bad, ErrorCode::mismatch, {"ffn.nodes"});
}

TEST_CASE("HOSTILE 23: a flipped byte is found by verify", "[converted][hostile]") {
  const Converted c;
  CHECK_NOTHROW(verify(c.file));
  std::fstream file(c.file, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(-200, std::ios::end);
  const char byte = static_cast<char>(file.get());
  file.seekp(-200, std::ios::end);
  file.put(static_cast<char>(byte ^ 1));
  file.close();
  CHECK_THROWS_AS(verify(c.file), Error);
  CHECK_NOTHROW(Model::load(c.file));  // loading stays a mapping: contents are checked when asked
}

TEST_CASE("a plain checkpoint file asks for its directory", "[converted]") {
  check_load_error(sentiment / "model.safetensors", ErrorCode::unsupported, {"directory"});
}

TEST_CASE("a dtype that is not there is refused by name", "[converted]") {
  const TemporaryFolder folder;
  const fs::path target = folder.path() / "m.safetensors";
  CHECK_THROWS_WITH(convert(sentiment, target, {.dtype = "int4"}), ContainsSubstring("int4"));
  CHECK_FALSE(fs::exists(target));
}

TEST_CASE("a full disk while converting leaves nothing half-written", "[converted][hostile]") {
  const TemporaryFolder folder;
  const fs::path target = folder.path() / "m.safetensors";
  std::ofstream(target) << "old";
  // A file size limit stands in for the full disk: write fails in the middle.
  struct rlimit old {};
  getrlimit(RLIMIT_FSIZE, &old);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{4096, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limit);
  try {
    convert(sentiment, target);
    setrlimit(RLIMIT_FSIZE, &old);
    FAIL("converted without room");
  } catch (const Error& e) {
    setrlimit(RLIMIT_FSIZE, &old);
    CHECK(to_string(e.code()) == "io");
  }
  std::signal(SIGXFSZ, handler);
  std::string text;
  std::ifstream(target) >> text;
  CHECK(text == "old");
  CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 1);
}

}  // namespace
}  // namespace sapwood::test
