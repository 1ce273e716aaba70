// Static embeddings: the vectors of model2vec and sentence-transformers (tests/golden/static_embeddings.py), and directories
// whose tensors do not fit each other.
#include <nlohmann/json.hpp>

#include "catch.h"
#include "checkpoint_files.h"
#include "mutate.h"
#include "sapwood/convert.h"
#include "sapwood/inspect.h"
#include "sapwood/tasks.h"

namespace sapwood::test {
namespace {

const fs::path static_dir = source_dir() / "tests/golden/static";

// They refer to the document.
std::vector<TextInput> inputs_of(const json& expected) {
  std::vector<TextInput> inputs;
  for (const auto& text : expected["texts"]) {
    inputs.push_back({text.get_ref<const std::string&>(), {}});
  }
  return inputs;
}

// The largest difference from the expected vectors.
double difference(const Model& model, const json& expected) {
  const std::vector<TextInput> inputs = inputs_of(expected);
  const auto results = embed(model, inputs, {});
  REQUIRE(results.size() == expected["vectors"].size());
  double most = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    INFO("text " << i);
    const std::vector<float> want = expected["vectors"][i].get<std::vector<float>>();
    const std::vector<float>& got = results[i].value().values;
    REQUIRE(got.size() == want.size());
    for (std::size_t k = 0; k < got.size(); ++k) {
      most = std::max(most, static_cast<double>(std::abs(got[k] - want[k])));
    }
  }
  return most;
}

// A directory of model2vec with these tensors, "name: dtype shape bytes".
struct Made {
  void tensor(const std::string& name, const std::string& dtype, const std::string& shape,
              const std::string& bytes) {
    if (!header.empty()) header += ',';
    header += '"' + name + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape +
              R"(,"data_offsets":[)" + std::to_string(data.size()) + ',' +
              std::to_string(data.size() + bytes.size()) + "]}";
    data += bytes;
  }
  void check(ErrorCode code, const std::string& part) const {
    fs::copy_file(static_dir / "model2vec/tokenizer.json", folder.path() / "tokenizer.json",
                  fs::copy_options::overwrite_existing);
    std::ofstream(folder.path() / "config.json") << R"({"model_type": "model2vec"})";
    const std::string head = '{' + header + '}';
    std::ofstream(folder.path() / "model.safetensors", std::ios::binary)
        << little_endian<std::uint64_t>(head.size()) << head << data;
    check_load_error(folder.path(), code, {part});
  }

  TemporaryFolder folder;
  std::string header, data;
};

}  // namespace

TEST_CASE("static embeddings: vectors as model2vec and sentence-transformers make them",
          "[golden]") {
  const auto folders = subdirectories(static_dir);
  CHECK(folders.size() == 9);
  for (const fs::path& folder : folders) {
    INFO(folder.filename().string());
    const json expected = read_json(folder / "expected.json");
    const double tolerance = expected["tolerance"].get<double>();
    for (const Isa isa : runnable_isas()) {
      LoadOptions options;
      options.isa = isa;
      CHECK(difference(Model::load(folder, options), expected) <= tolerance);
    }
    const TemporaryFolder out;
    const fs::path file = out.path() / "model.safetensors";
    convert(folder, file);
    CHECK(difference(Model::load(file), expected) <= tolerance);
    const ModelInfo info = inspect(Model::load(file));
    CHECK(info.config.architecture == "static_embedding");
    CHECK(info.unused_tensors.empty());
    ConvertOptions narrow;
    narrow.dtype = WeightType::int8;
    convert(folder, file, narrow);
    CHECK(difference(Model::load(file), expected) <= 0.5);
  }
}

TEST_CASE("static embeddings: one text gives the same alone, among others and on two threads") {
  const json expected = read_json(static_dir / "model2vec-mapping/expected.json");
  const std::vector<TextInput> inputs = inputs_of(expected);
  LoadOptions two;
  two.threads = 2;
  const Model model = Model::load(static_dir / "model2vec-mapping", two);
  const auto all = embed(model, inputs, {});
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto one = embed(model, std::span(&inputs[i], 1), {});
    CHECK(one[0].value().values == all[i].value().values);
  }
}

TEST_CASE("static embeddings: what of a text is read") {
  const Model model = Model::load(static_dir / "model2vec-weights");  // max_length 4
  CHECK(model.max_length() == 4);
  const Encoding cut = model.encode("a b c a b c");
  CHECK(cut.size() == 4);
  CHECK(cut.truncated);
  // No special tokens, no unknown ones; a text without tokens is the row of zeros.
  CHECK(model.encode("hello \u2603").size() == 1);
  const Encoding none = model.encode("\u2603");
  CHECK(none.ids == std::vector<std::int32_t>{model.config().vocab_size - 1});
  CHECK(none.offsets.size() == 1);
  // The characters of a text are cut before its tokens are.
  CHECK(model.encode(std::string(90, ' ') + "hello").truncated);
  const TextInput texts[] = {{"\u2603", {}}, {"hello", {}}};
  const auto tokens = embed(model, texts, {.pooling = PoolingMode::none});
  CHECK(tokens[0].value().rows == 0);
  CHECK(tokens[1].value().rows == 1);
  CHECK(Model::load(static_dir / "model2vec-whole-texts").max_length() == 1 << 15);
  CHECK(Model::load(static_dir / "sentence-transformers").encode("hello \u2603").size() == 2);
}

TEST_CASE("static embeddings: tensors that do not fit each other", "[hostile]") {
  const auto one = [](const char* name, const char* dtype, const char* shape, std::size_t bytes,
                      const char* part, ErrorCode code = ErrorCode::mismatch) {
    Made made;
    made.tensor(name, dtype, shape, std::string(bytes, '\0'));
    made.check(code, part);
  };
  one("embeddings", "F32", "[4]", 16, "expected [tokens, dimensions]");
  one("embeddings", "F32", "[0,4]", 0, "expected [tokens, dimensions]");
  one("embeddings", "I32", "[2,2]", 16, "expected F32, F16, BF16, F64 or I8");
  one("embeddings", "F32", "[2,2]", 16, "the tokenizer has");
  one("other", "F32", "[2,2]", 16, "embeddings", ErrorCode::not_found);
  const auto with = [](const char* name, const char* dtype, const char* shape,
                       const std::string& bytes, const char* part) {
    Made made;
    made.tensor("embeddings", "F32", "[2,2]", bytes_of(std::vector<float>(4, 1.0f)));
    made.tensor(name, dtype, shape, bytes);
    made.check(ErrorCode::mismatch, part);
  };
  with("weights", "F32", "[3]", std::string(12, '\0'), "tensor 'weights': expected [2]");
  with("mapping", "F32", "[2]", std::string(8, '\0'), "expected I64 or I32");
  with("mapping", "I64", "[2]", bytes_of(std::vector<std::int64_t>{0, 2}), "token 1 has row 2");
  with("mapping", "I32", "[2]", bytes_of(std::vector<std::int32_t>{0, -1}), "token 1 has row -1");
}

TEST_CASE("static embeddings: what files beside those of model2vec ask for is done or told") {
  const TemporaryFolder folder;
  fs::copy(static_dir / "model2vec", folder.path(),
           fs::copy_options::overwrite_existing | fs::copy_options::recursive);
  const TextInput input{"hello", {}};
  const auto vector = [&] {
    return embed(Model::load(folder.path()), {&input, 1})[0].value().values;
  };
  CHECK(Model::load(folder.path()).notices().empty());
  const std::vector<float> plain = vector();
  std::ofstream(folder.path() / "config_sentence_transformers.json")
      << R"({"prompts": {"query": "a b c "}, "default_prompt_name": "query", "odd": 1})";
  edit_config(folder.path(), [](json& config) {
    config["brand_new"] = 7;
    config["apply_pca"] = 256;
  });
  const fs::path modules = folder.path() / "modules.json";
  json list = read_json(modules);
  list.erase(1);
  list.push_back({{"type", "sentence_transformers.models.Dense"}, {"path", "2_Dense"}});
  std::ofstream(modules) << list;
  const std::vector<std::string> told = Model::load(folder.path()).notices();
  REQUIRE(told.size() == 4);
  CHECK_THAT(told[0], ContainsSubstring("config.json: 'brand_new': not known of model2vec"));
  CHECK_THAT(told[1], ContainsSubstring("models.Dense' is not computed"));
  CHECK_THAT(told[2], ContainsSubstring("there is no Normalize module"));
  CHECK_THAT(told[3], ContainsSubstring("config_sentence_transformers.json: 'odd'"));
  CHECK(vector() != plain);  // the default prompt
  std::ofstream(folder.path() / "config_sentence_transformers.json")
      << R"({"default_prompt_name": "poem"})";
  CHECK_THROWS_WITH(vector(), ContainsSubstring("found 'poem'"));
}

TEST_CASE("static embeddings: another module behind them is refused by name", "[hostile]") {
  const TemporaryFolder folder;
  fs::copy(static_dir / "sentence-transformers", folder.path(),
           fs::copy_options::overwrite_existing | fs::copy_options::recursive);
  const auto modules = [&](const std::string& text) {
    std::ofstream(folder.path() / "modules.json") << text;
  };
  const std::string first = R"([{"type": "sentence_transformers.models.StaticEmbedding", "path": )";
  modules(first + R"("0_Missing"}])");
  check_load_error(folder.path(), ErrorCode::not_found, {"0_Missing"});
  modules(first + R"("../x"}])");
  check_load_error(folder.path(), ErrorCode::malformed, {"'../x'"});
  modules(first + R"(""}, {"type": "x.models.LSTM", "path": "1_LSTM"}])");
  check_load_error(folder.path(), ErrorCode::unsupported, {"LSTM"});
}

}  // namespace sapwood::test
