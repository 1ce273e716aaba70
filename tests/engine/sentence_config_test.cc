// sentence-transformers' files: what is read of them, what is told, and what is refused.
#include <functional>

#include "catch.h"
#include "config/sentence.h"
#include "config/sentence_keys.h"
#include "golden.h"
#include "sapwood/convert.h"
#include "sapwood/inspect.h"
#include "sapwood/tasks.h"

namespace sapwood::test {
namespace {

const char* const kTransformer = "sentence_transformers.models.Transformer";
const char* const kPooling = "sentence_transformers.models.Pooling";

// A copy of a golden directory, to be changed.
class Directory {
 public:
  explicit Directory(const std::string& name = "dense-chain") {
    const auto options = fs::copy_options::recursive | fs::copy_options::overwrite_existing;
    fs::copy(source_dir() / "tests/golden/sentence" / name, folder_.path(), options);
  }
  const fs::path& path() const { return folder_.path(); }

  void write(const std::string& name, const json& value) const {
    fs::create_directories((path() / name).parent_path());
    std::ofstream(path() / name) << value;
  }
  // Changes the JSON in a file.
  void change(const std::string& name, const std::function<void(json&)>& how) const {
    json value = read_json(path() / name);
    how(value);
    write(name, value);
  }

  SentenceConfig read() const {
    Notices notices;
    return *read_sentence_config(Folder::open(path()), notices);
  }
  std::vector<std::string> notices() const {
    Notices notices;
    read_sentence_config(Folder::open(path()), notices);
    return notices.list();
  }

 private:
  TemporaryFolder folder_;
};

TEST_CASE("a key that nobody knows is told once, in each of sentence-transformers' files",
          "[config]") {
  const Directory directory;
  directory.write("sentence_bert_config.json", {{"max_seq_length", 8}});
  directory.write("config_sentence_transformers.json", {{"similarity_fn_name", "cosine"}});
  directory.write("3_Normalize/config.json", {{"module_input_name", "sentence_embedding"}});
  CHECK(directory.notices().empty());
  for (const char* file :
       {"sentence_bert_config.json", "config_sentence_transformers.json", "1_Pooling/config.json",
        "2_Dense/config.json", "3_Normalize/config.json"}) {
    INFO(file);
    const Directory changed;
    for (const char* each : {"sentence_bert_config.json", "config_sentence_transformers.json"}) {
      changed.write(each, json::object());
    }
    changed.write("3_Normalize/config.json", json::object());
    changed.change(file, [](json& value) { value["brand_new"] = 7; });
    const std::vector<std::string> told = changed.notices();
    REQUIRE(told.size() == 1);
    CHECK_THAT(told[0], ContainsSubstring(file) && ContainsSubstring("'brand_new'"));
    // Nothing is asked for by these.
    changed.change(file, [](json& value) {
      value["brand_new"] = nullptr;
      value["other"] = json::object();
    });
    CHECK(changed.notices().empty());
  }
  directory.change("modules.json", [](json& value) { value[1]["brand_new"] = true; });
  REQUIRE(directory.notices().size() == 1);
  CHECK_THAT(directory.notices()[0], ContainsSubstring("modules.json"));
}

TEST_CASE("every key of the lists is read or says why it changes nothing", "[config]") {
  for (const SentenceFile file :
       {SentenceFile::modules, SentenceFile::model, SentenceFile::transformer,
        SentenceFile::pooling, SentenceFile::dense, SentenceFile::normalize}) {
    CHECK_FALSE(keys_of(file).empty());
    for (const KnownKey& key : keys_of(file)) CHECK_FALSE(key.what.empty());
  }
}

// What a refusal blocks: vectors, and nothing else.
void check_refused(const Directory& directory, const std::string& says) {
  INFO(says);
  const SentenceConfig sentence = directory.read();
  CHECK_THAT(sentence.unsupported, ContainsSubstring(says));
  const Model model = Model::load(directory.path());
  const TextInput input{"a tree"};
  for (const Model& each : {model, [&] {
                              const fs::path file = directory.path() / "converted.safetensors";
                              convert(directory.path(), file);
                              return Model::load(file);
                            }()}) {
    try {
      embed(each, {&input, 1});
      FAIL_CHECK("it made a vector");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::unsupported);
      CHECK_THAT(error.what(), ContainsSubstring(says));
    }
    CHECK_THROWS_WITH(rerank(each, "a", std::vector<std::string_view>{"b"}),
                      ContainsSubstring(says));
    CHECK(embed(each, {&input, 1}, {.pooling = PoolingMode::none})[0].value().rows > 2);
    CHECK(embed(each, {&input, 1}, {.pooling = PoolingMode::cls})[0].value().rows == 1);
    CHECK(inspect(each).config.sentence->unsupported == sentence.unsupported);
  }
}

TEST_CASE("what is not computed of sentence-transformers is refused by name", "[config]") {
  for (const char* name : {"LSTM", "CNN", "WordWeights", "WeightedLayerPooling", "LayerNorm",
                           "CLIPModel", "BoW", "StaticEmbedding", "SparseAutoEncoder"}) {
    const Directory directory("pooling-last-token");
    const std::string type = std::string("sentence_transformers.models.") + name;
    directory.change("modules.json", [&](json& value) {
      value.push_back({{"type", type}, {"path", "9_X"}});
    });
    check_refused(directory, "'" + type + "' is not supported");
  }
  const auto refused = [](const std::string& file, const std::string& says,
                          const std::function<void(json&)>& how) {
    const Directory directory("dense-chain");
    directory.write("sentence_bert_config.json", {{"max_seq_length", 8}});
    directory.write("config_sentence_transformers.json", json::object());
    directory.change(file, how);
    check_refused(directory, says);
  };
  refused("modules.json", "'custom.Pooler' is not supported",
          [](json& value) { value[1]["type"] = "custom.Pooler"; });
  refused("modules.json", "a second Pooling module", [](json& value) {
    value.push_back({{"type", kPooling}, {"path", "1_Pooling"}});
  });
  refused("modules.json", "there is no Pooling module",
          [](json& value) { value = json::array({value[0]}); });
  refused("modules.json", "before the Pooling", [](json& value) {
    value = json::array({value[0], value[3], value[1]});
  });
  refused(
      "2_Dense/config.json", "activation 'torch.nn.modules.activation.Softplus'",
      [](json& value) { value["activation_function"] = "torch.nn.modules.activation.Softplus"; });
  refused("2_Dense/config.json", "from 'token_embeddings'",
          [](json& value) { value["module_input_name"] = "token_embeddings"; });
  refused("2_Dense/config.json", "to 'token_embeddings'",
          [](json& value) { value["module_output_name"] = "token_embeddings"; });
  refused("1_Pooling/config.json", "'attention' is not supported", [](json& value) {
    value = {{"pooling_mode", "attention"}};
  });
  refused("sentence_bert_config.json", "'text-generation'",
          [](json& value) { value["transformer_task"] = "text-generation"; });
  refused("sentence_bert_config.json", "modality_config", [](json& value) {
    value["modality_config"] = {{"image", {{"method", "forward"}}}};
  });
  for (const char* name : {"poem", ""}) {
    refused("config_sentence_transformers.json", "default_prompt_name",
            [name](json& value) { value["default_prompt_name"] = name; });
  }
  for (const char* task : {"fill-mask", "sequence-classification"}) {
    refused("sentence_bert_config.json", "the Transformer before it gives the logits of its head",
            [task](json& value) { value["transformer_task"] = task; });
  }
  refused("sentence_bert_config.json", "expected the text's last_hidden_state", [](json& value) {
    value["modality_config"] = {{"text", {{"method_output_name", "logits"}}}};
  });
}

TEST_CASE("routers and sparse poolings that are not computed are refused by name", "[config]") {
  const auto refused = [](const std::string& file, const std::string& says,
                          const std::function<void(json&)>& how) {
    INFO(says);
    const Directory directory("sparse-router-root");
    directory.change(file, how);
    const SentenceConfig sentence = directory.read();
    CHECK_THAT(sentence.unsupported, ContainsSubstring(says));
    CHECK_FALSE(sentence.sparse);
    const TextInput input{"a tree"};
    const Model model = Model::load(directory.path());
    CHECK_THROWS_WITH(sparse_embed(model, {&input, 1}), ContainsSubstring(says));
    const std::string_view masked = "a [MASK]";
    CHECK(fill_mask(model, {&masked, 1})[0]);
  };
  refused("sentence_bert_config.json", "'fill-mask' before it", [](json& value) {
    value = {{"transformer_task", "feature-extraction"}};
  });
  refused("router_config.json", "structure.query",
          [](json& value) { value["structure"].erase("query"); });
  refused("router_config.json", "alone",
          [](json& value) { value["structure"]["picture"] = value["structure"]["query"]; });
  refused("router_config.json", "a router with the module",
          [](json& value) { value["structure"]["query"] = value["structure"]["document"]; });
  refused("router_config.json", "route_mappings", [](json& value) {
    value["parameters"]["route_mappings"] = {{"('query', 'text')", "query"}};
  });
  refused("document_1_SpladePooling/config.json", "found 'median'",
          [](json& value) { value["pooling_strategy"] = "median"; });
  refused("document_1_SpladePooling/config.json", "found 'gelu'",
          [](json& value) { value["activation_function"] = "gelu"; });
  refused("query_0_SparseStaticEmbedding/config.json", "save the model again",
          [](json& value) { value["path"] = "idf.json"; });
  const Directory directory("sparse-router");
  directory.change("router_config.json", [](json& value) { value["brand_new"] = 1; });
  directory.change("query_0_SparseStaticEmbedding/config.json",
                   [](json& value) { value["brand_new"] = 1; });
  CHECK(directory.notices().size() == 2);
  const Model dense = Model::load(source_dir() / "tests/golden/sentence/dense");
  const TextInput input{"a"};
  CHECK_THROWS_AS(sparse_embed(dense, {&input, 1}), Error);
  const Model sparse = Model::load(directory.path());
  CHECK_THROWS_WITH(embed(sparse, {&input, 1}),
                    ContainsSubstring("sparse vectors: ask for those (embed --sparse)"));
  const Model tokens = Model::load(source_dir() / "tests/golden/sentence/token-vectors");
  CHECK_THROWS_WITH(embed(tokens, {&input, 1}),
                    ContainsSubstring("with pooling none (embed --pooling none); another pooling"));
  CHECK_THROWS_WITH(sparse_embed(sparse, {&input, 1}, {.max_active_dims = 0}),
                    ContainsSubstring("max_active_dims"));
}

TEST_CASE("files that are wrong are errors that name them", "[config]") {
  const auto fails = [](const std::string& file, const json& content, ErrorCode code,
                        const std::string& says) {
    INFO(says);
    const Directory directory;
    directory.write(file, content);
    try {
      Model::load(directory.path());
      FAIL_CHECK("it loaded");
    } catch (const Error& error) {
      CHECK(error.code() == code);
      CHECK_THAT(error.what(), ContainsSubstring(says));
    }
  };
  const json dense = {{"in_features", 32}, {"out_features", 18}};
  const auto with = [&](const char* key, const json& value) {
    json changed = dense;
    changed[key] = value;
    return changed;
  };
  fails("2_Dense/config.json", with("in_features", 0), ErrorCode::malformed, "in_features");
  fails("2_Dense/config.json", with("out_features", 1e9), ErrorCode::malformed, "out_features");
  fails("2_Dense/config.json", with("out_features", 1 << 20), ErrorCode::malformed, "out_features");
  fails("2_Dense/config.json", with("in_features", 16), ErrorCode::mismatch,
        "'2_Dense' wants vectors of 16 numbers and gets 32");
  fails("2_Dense/config.json", with("out_features", 19), ErrorCode::mismatch, "'4_Dense' wants");
  fails("2_Dense/config.json", with("bias", false), ErrorCode::mismatch,
        "2_Dense/model.safetensors: tensor 'linear.bias': expected none of this name");
  fails("1_Pooling/config.json", {{"pooling_mode", {"mean", "cls", "max"}}}, ErrorCode::mismatch,
        "gets 48");
  fails("1_Pooling/config.json", {{"pooling_mode", json::array()}}, ErrorCode::malformed,
        "1 to 16 poolings");
  fails("config_sentence_transformers.json", {{"prompts", {{"query", 7}}}}, ErrorCode::malformed,
        "prompts.query");
  fails("config_sentence_transformers.json", {{"truncate_dim", -1}}, ErrorCode::malformed,
        "truncate_dim");
  fails("config_sentence_transformers.json", json::array(), ErrorCode::malformed,
        "expected an object");
  // What a module's tensors are not is said with their own file.
  const Directory narrow("dense");
  narrow.change("2_Dense/config.json", [](json& value) { value["out_features"] = 3; });
  const std::string file = (narrow.path() / "2_Dense/pytorch_model.bin").string();
  CHECK_THROWS_WITH(Model::load(narrow.path()),
                    StartsWith(file + ": tensor 'linear.weight': expected [3, 16], found"));
  Directory without;
  fs::remove_all(without.path() / "4_Dense");
  CHECK_THROWS_WITH(Model::load(without.path()), ContainsSubstring("4_Dense"));
  Directory weightless;
  fs::remove(weightless.path() / "4_Dense/model.safetensors");
  CHECK_THROWS_WITH(Model::load(weightless.path()), ContainsSubstring("4_Dense"));
}

TEST_CASE("the converted form of sentence-transformers' files gives them back", "[config]") {
  SentenceConfig sentence = Directory("dense-chain").read();
  sentence.prompts = {{"query", "q: "}, {"empty", ""}};
  sentence.default_prompt_name = "query";
  sentence.include_prompt = false;
  sentence.truncate_dim = 3;
  sentence.similarity = Similarity::manhattan;
  sentence.pair_score = PairScore::raw;
  sentence.lower_case = true;
  const std::string text = to_json(sentence);
  const SentenceConfig back = sentence_from_json(JsonDocument::parse(text, "x").root());
  CHECK(to_json(back) == text);
  CHECK(back.poolings == sentence.poolings);
  CHECK(back.modules.size() == 3);
  CHECK(back.modules[2].residual);
  CHECK(back.prompts == sentence.prompts);
  CHECK(back.similarity == Similarity::manhattan);
  // What older versions knew is written as they did; what they would pass over, they refuse.
  SentenceConfig simple;
  simple.max_seq_length = 12;
  CHECK(to_json(simple) == R"({"pooling_mode":"mean","normalize":false,"max_seq_length":12})");
  simple.default_prompt_name = "q";
  simple.prompts["q"] = "q: ";
  CHECK(JsonDocument::parse(to_json(simple), "x").root().at("pooling_mode").is_array());
}

TEST_CASE("the length of texts is in the file of the encoder's kind", "[config]") {
  for (const std::string_view name : transformer_files()) {
    INFO(name);
    const Directory directory("pooling-last-token");
    fs::remove(directory.path() / "sentence_bert_config.json");
    directory.write(std::string(name), {{"max_seq_length", 7}});
    CHECK(directory.read().max_seq_length == 7);
    CHECK(Model::load(directory.path()).max_length() == 7);
    CHECK(load_tokenizer(directory.path()).max_length == 7);
  }
  const Directory directory("pooling-last-token");
  directory.write("sentence_bert_config.json",
                  {{"max_seq_length", 9}, {"tokenizer_args", {{"model_max_length", 5}}}});
  CHECK(directory.read().max_seq_length == 5);
}

TEST_CASE("do_lower_case is refused where the tokenizer keeps the case", "[config]") {
  const Directory directory("pooling-last-token");
  directory.write("sentence_bert_config.json", {{"do_lower_case", true}});
  const TextInput input{"A"};
  CHECK(embed(Model::load(directory.path()), {&input, 1})[0]);
  directory.change("tokenizer_config.json", [](json& value) { value["do_lower_case"] = false; });
  fs::remove(directory.path() / "tokenizer.json");
  CHECK_THROWS_WITH(embed(Model::load(directory.path()), {&input, 1}),
                    ContainsSubstring("do_lower_case"));
}

TEST_CASE("a folder of the encoder that is not there is named", "[config]") {
  const Directory directory("old-layout");
  CHECK(load_tokenizer(directory.path()).max_length == 8);
  fs::rename(directory.path() / "0_DistilBERT", directory.path() / "elsewhere");
  CHECK_THROWS_WITH(Model::load(directory.path()),
                    ContainsSubstring("there is no folder '0_DistilBERT'"));
  directory.write("modules.json", {{{"type", kTransformer}, {"path", "../elsewhere"}}});
  CHECK_THROWS_WITH(Model::load(directory.path()), ContainsSubstring("expected a folder"));
}

}  // namespace
}  // namespace sapwood::test
