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

std::string read_all(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Converted {
  Converted() : file(folder.path() / "model.safetensors") { convert(sentiment, file); }
  TemporaryFolder folder;
  fs::path file;
};

TEST_CASE("a converted file is valid safetensors with aligned tensors", "[converted]") {
  const Converted c;
  const TensorSource source = open_checkpoint(c.file);
  CHECK(source.metadata().at("sapwood.format_version") == "3");
  CHECK(source.metadata().at("sapwood.task") == "sequence_classification");
  CHECK(source.metadata().at("sapwood.source_sha256").size() == 64);
  CHECK(source.metadata().at("sapwood.tokenizer").find("\"vocab\":{}") != std::string::npos);
  CHECK(source.at("tokenizer.vocabulary").dtype == TensorDtype::u8);
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
  check("sapwood.format_version", "4", ErrorCode::unsupported);
  check("sapwood.dtype", "int4", ErrorCode::unsupported);
  check("sapwood.decisions", "f16", ErrorCode::unsupported);
  check("sapwood.exceptions", "[1]", ErrorCode::malformed);
  check("sapwood.exceptions", "{\"layers.0.ffn\": 8}", ErrorCode::malformed);
  check("sapwood.unused_tensors", "{}", ErrorCode::malformed);
  check("sapwood.unused_tensors", "[1]", ErrorCode::malformed);
  check("sapwood.tokenizer", "{", ErrorCode::malformed);
  check("sapwood.tokenizer", "[]", ErrorCode::malformed);
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
  rewrite(c.file, bad, [](auto& tensors, auto&) { tensors.erase(tensors.begin()); });
  check_load_error(bad, ErrorCode::mismatch, {"missing"});
  // A deeper tree than the nodes that are there.
  rewrite(c.file, bad, [](auto&, auto& metadata) {
    json config = json::parse(metadata["sapwood.config"]);
    config["feed_forward"]["depth"] = config["feed_forward"]["depth"].template get<int>() + 1;
    metadata["sapwood.config"] = config.dump();
  });
  check_load_error(bad, ErrorCode::mismatch, {"ffn.nodes"});
}

TEST_CASE("HOSTILE 23: a head without rows is refused", "[converted][hostile]") {
  for (const char* name : {"distilbert-fff-sentiment", "bert-fff-ner", "bert-qa"}) {
    INFO(name);
    const TemporaryFolder folder;
    const fs::path file = folder.path() / "m.safetensors", bad = folder.path() / "bad.safetensors";
    convert(golden_dir() / name, file);
    rewrite(file, bad, [](auto& tensors, auto& metadata) {
      metadata["sapwood.labels"] = "0";
      json config = json::parse(metadata["sapwood.config"]);
      config.erase("id2label");
      metadata["sapwood.config"] = config.dump();
      for (const char* part : {"head.classifier.weight", "head.classifier.bias"}) {
        EditedTensor& t = find(tensors, part);
        t.shape[0] = 0;
        t.bytes.clear();
      }
    });
    check_load_error(bad, ErrorCode::mismatch, {"rows", "found 0"});
  }
}

TEST_CASE("int8 needs an instruction set that is there", "[converted]") {
  const TemporaryFolder folder;
  const fs::path target = folder.path() / "m.safetensors";
  const char* before = std::getenv("SAPWOOD_ISA");
  const std::string kept = before == nullptr ? "" : before;
  setenv("SAPWOOD_ISA", "vliw", 1);
  try {
    convert(sentiment, target, {.dtype = WeightType::int8});
    FAIL_CHECK("converted");
  } catch (const Error& e) {
    CHECK(to_string(e.code()) == "isa_unavailable");
    CHECK_THAT(e.what(), ContainsSubstring("'vliw' (SAPWOOD_ISA)"));
  }
  CHECK_FALSE(fs::exists(target));
  CHECK_NOTHROW(convert(sentiment, target));  // f32 computes nothing
  before == nullptr ? unsetenv("SAPWOOD_ISA") : setenv("SAPWOOD_ISA", kept.c_str(), 1);
}

TEST_CASE("HOSTILE 23: a vocabulary that is none is refused by name", "[converted][hostile]") {
  const Converted c;
  const fs::path bad = c.folder.path() / "bad.safetensors";
  const auto check = [&](const std::function<void(EditedTensor&)>& edit, ErrorCode code,
                         const std::string& what) {
    rewrite(c.file, bad, [&](auto& tensors, auto&) {
      EditedTensor& t = find(tensors, "tokenizer.vocabulary");
      edit(t);
      if (t.shape.size() == 1 && t.dtype == TensorDtype::u8) {
        t.shape = {static_cast<std::int64_t>(t.bytes.size())};
      }
    });
    check_load_error(bad, code, {"tokenizer.vocabulary", what});
  };
  const auto append = [](const std::string& text) {
    return [text](EditedTensor& t) {
      for (const char byte : text) t.bytes.push_back(static_cast<std::byte>(byte));
    };
  };
  check([](EditedTensor& t) { t.bytes.pop_back(); }, ErrorCode::malformed, "cut short");
  check([](EditedTensor& t) { t.bytes.clear(); }, ErrorCode::malformed, "empty");
  check([](EditedTensor& t) { t.bytes[1] = std::byte{0xff}; }, ErrorCode::malformed, "UTF-8");
  check([](EditedTensor& t) { t.dtype = TensorDtype::i8; }, ErrorCode::malformed, "expected U8");
  check([](EditedTensor& t) { t.shape.push_back(1); }, ErrorCode::malformed, "expected U8");
  check(append("[CLS]\n"), ErrorCode::malformed, "occurs twice");
  check(append(std::string(3 << 20, '\n') + "x\n"), ErrorCode::malformed, "left out");
  // More tokens than the embedding has rows.
  std::string more;
  for (int i = 0; i < 1000; ++i) more += "more" + std::to_string(i) + "\n";
  rewrite(c.file, bad, [&](auto& tensors, auto&) {
    EditedTensor& t = find(tensors, "tokenizer.vocabulary");
    append(more)(t);
    t.shape = {static_cast<std::int64_t>(t.bytes.size())};
  });
  CHECK_THAT(Model::load(bad).notices().at(0), ContainsSubstring("rows"));
  rewrite(c.file, bad, [](auto& tensors, auto&) {
    std::erase_if(tensors, [](const EditedTensor& t) { return t.name == "tokenizer.vocabulary"; });
  });
  check_load_error(bad, ErrorCode::malformed, {"tokenizer.vocabulary", "empty"});
}

TEST_CASE("HOSTILE 23: tables of a tokenizer that this version does not know are refused by name",
          "[converted][hostile]") {
  const Converted c;
  const fs::path bad = c.folder.path() / "bad.safetensors";
  const auto add = [&](const std::string& name, TensorDtype dtype,
                       std::vector<std::int64_t> shape) {
    rewrite(c.file, bad, [&](auto& tensors, auto&) {
      tensors.push_back({name, dtype, shape, std::vector<std::byte>(4)});
    });
  };
  add("tokenizer.merges", TensorDtype::u8, {4});
  check_load_error(bad, ErrorCode::unsupported,
                   {"tensor 'tokenizer.merges'", "the table 'merges' of the model WordPiece",
                    "convert the model again"});
  CHECK_NOTHROW(Model::load(bad, {.tokenizer = false}));
  add("tokenizer.", TensorDtype::u8, {4});
  check_load_error(bad, ErrorCode::unsupported, {"the table ''"});
  add("tokenizer.merges", TensorDtype::f32, {1});
  check_load_error(bad, ErrorCode::malformed, {"tensor 'tokenizer.merges'", "expected U8 [bytes]"});
}

TEST_CASE("a converted file names the checkpoint's tensors that nothing needs", "[converted]") {
  const TemporaryFolder folder;
  copy_model(sentiment, folder.path() / "source", [](auto& tensors, auto&) {
    tensors.push_back({"old.position_ids", TensorDtype::i64, {1}, std::vector<std::byte>(8)});
  });
  convert(folder.path() / "source", folder.path() / "m.safetensors");
  const ModelInfo info = inspect(Model::load(folder.path() / "m.safetensors"));
  CHECK(info.unused_tensors == std::vector<std::string>{"old.position_ids"});
}

TEST_CASE("a tied decoder is the word embedding, once", "[converted]") {
  for (const char* name : {"distilbert-mlm", "bert-fff-mlm"}) {
    const fs::path directory = golden_dir() / name;
    const Model model = Model::load(directory);
    const ModelConfig& config = model.config();
    for (const WeightType dtype : {WeightType::f32, WeightType::bf16, WeightType::int8}) {
      INFO(name << " " << to_string(dtype));
      const TemporaryFolder folder;
      const fs::path file = folder.path() / "model.safetensors";
      convert(directory, file, {.dtype = dtype, .max_error = 1});
      const TensorSource source = open_checkpoint(file);
      CHECK(source.find("embeddings.word") == nullptr);
      REQUIRE(source.find("head.decoder.weight") != nullptr);
      CHECK(source.at("head.decoder.weight").elements() >=
            std::int64_t{config.vocab_size} * config.hidden);
    }
  }
}

TEST_CASE("a file of version 2 still opens, with the same answers", "[converted]") {
  const fs::path directory = golden_dir() / "distilbert-mlm";
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "model.safetensors",
                 old = folder.path() / "old.safetensors";
  convert(directory, file);
  rewrite(file, old, [&](auto& tensors, auto& metadata) {
    tensors.push_back({"embeddings.word", TensorDtype::f32, {1}, std::vector<std::byte>(4)});
    std::erase_if(tensors, [](const EditedTensor& t) { return t.name == "tokenizer.vocabulary"; });
    metadata["sapwood.format_version"] = "2";
    metadata["sapwood.tokenizer"] = Tokenizer::load(directory).to_json();
  });
  const Model now = Model::load(file), then = Model::load(old);
  CHECK(now.tokenizer().to_json() == then.tokenizer().to_json());
  const std::vector<std::int32_t> ids = {2, 7, 11, 5, 3}, selected = {1, 3};
  const Sequence sequence{.ids = ids, .selected = selected};
  CHECK(run(now, {sequence}, Output::head) == run(then, {sequence}, Output::head));
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
  CHECK_THROWS_WITH(convert(sentiment, target, {.dtype = WeightType::automatic}),
                    ContainsSubstring("found auto"));
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
    CHECK_THAT(e.what(), ContainsSubstring("at most 4096 bytes (ulimit -f)"));
  }
  std::signal(SIGXFSZ, handler);
  std::string text;
  std::ifstream(target) >> text;
  CHECK(text == "old");
  CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("convert never writes over a file of its source", "[converted][hostile]") {
  const TemporaryFolder folder;
  const fs::path source = folder.path() / "source";
  const fs::path pickle = folder.path() / "pickle";
  fs::copy(golden_dir() / "bert-base-sharded", source, fs::copy_options::recursive);
  fs::copy(golden_dir() / "bert-mlm-bin", pickle, fs::copy_options::recursive);
  const fs::path shard = source / "model-00002-of-00004.safetensors";
  fs::create_symlink(shard, folder.path() / "link");
  fs::create_hard_link(source / "config.json", folder.path() / "hard");
  const auto refuse = [](const fs::path& from, const fs::path& to) {
    INFO(to);
    const bool there = fs::exists(to);
    const std::string before = read_all(to);
    try {
      convert(from, to);
      FAIL("converted");
    } catch (const Error& e) {
      CHECK(to_string(e.code()) == "invalid_argument");
      CHECK_THAT(e.what(), ContainsSubstring("write to another file"));
    }
    CHECK(fs::exists(to) == there);
    CHECK(read_all(to) == before);
  };
  for (const fs::path& target : {shard, source / "config.json", source / "../source/tokenizer.json",
                                 folder.path() / "link", folder.path() / "hard"}) {
    refuse(source, target);
  }
  refuse(pickle, pickle / "pytorch_model.bin");
  refuse(pickle, pickle / "model.safetensors");  // not there: it would be read as the weights
  // A file of the user's own in the same folder is no part of the model.
  CHECK_NOTHROW(convert(pickle, pickle / "mine.safetensors"));
  CHECK_NOTHROW(convert(pickle, pickle / "mine.safetensors"));
}

}  // namespace
}  // namespace sapwood::test
