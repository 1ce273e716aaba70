// The table of names and shapes against checkpoints that do not fit it.
#include "catch.h"
#include "config/parse_config.h"
#include "mutate.h"
#include "sapwood/inspect.h"
#include "sapwood/tasks.h"
#include "weights/weight_table.h"

namespace sapwood::test {
namespace {

const fs::path sentiment = golden_dir() / "distilbert-sentiment-f16";

TEST_CASE("HOSTILE 17: a missing tensor is named with the shape expected", "[weights][hostile]") {
  const TemporaryFolder folder;
  copy_model(sentiment, folder.path(), [](auto& tensors, auto&) {
    std::erase_if(tensors, [](const EditedTensor& t) {
      return t.name == "distilbert.transformer.layer.1.ffn.lin1.bias";
    });
  });
  check_load_error(folder.path(), ErrorCode::mismatch,
                   {"distilbert.transformer.layer.1.ffn.lin1.bias", "missing", "["});
}

TEST_CASE("HOSTILE 17: a wrong shape is named with expected and found", "[weights][hostile]") {
  const TemporaryFolder folder;
  copy_model(sentiment, folder.path(), [](auto& tensors, auto&) {
    EditedTensor& t = find(tensors, "distilbert.transformer.layer.0.attention.q_lin.weight");
    t.shape = {t.shape[0] * 2, t.shape[1] / 2};
  });
  check_load_error(
      folder.path(), ErrorCode::mismatch,
      {"distilbert.transformer.layer.0.attention.q_lin.weight", "[40, 40]", "[80, 20]"});
}

TEST_CASE("every problem of a checkpoint is told at once", "[weights]") {
  const TemporaryFolder folder;
  copy_model(sentiment, folder.path(), [](auto& tensors, auto&) {
    std::erase_if(tensors, [](const EditedTensor& t) {
      return t.name.find("sa_layer_norm") != std::string::npos;
    });
  });
  check_load_error(folder.path(), ErrorCode::mismatch,
                   {"layer.0.sa_layer_norm.weight", "layer.1.sa_layer_norm.bias"});
}

TEST_CASE("HOSTILE 16, 17: a weight of a type that is no float is refused", "[weights][hostile]") {
  const TemporaryFolder folder;
  copy_model(sentiment, folder.path(),
             [](auto& tensors, auto&) { find(tensors, "classifier.bias").dtype = Dtype::i16; });
  check_load_error(folder.path(), ErrorCode::mismatch, {"classifier.bias", "I16"});
}

TEST_CASE("HOSTILE 15: a zero-size tensor as a needed weight is refused", "[weights][hostile]") {
  const TemporaryFolder folder;
  copy_model(sentiment, folder.path(), [](auto& tensors, auto&) {
    EditedTensor& t = find(tensors, "pre_classifier.bias");
    t.shape = {0};
    t.bytes.clear();
  });
  check_load_error(folder.path(), ErrorCode::mismatch, {"pre_classifier.bias", "[40]", "[0]"});
}

TEST_CASE("HOSTILE 18: a vocabulary that is not the embedding's", "[weights][hostile]") {
  const TemporaryFolder folder;
  copy_model(sentiment, folder.path(), [](auto&, auto&) {});
  edit_config(folder.path(), [](json& c) { c["vocab_size"] = c["vocab_size"].get<int>() + 1; });
  check_load_error(folder.path(), ErrorCode::mismatch, {"word_embeddings.weight"});
}

TEST_CASE("HOSTILE 18: a billion layers are refused before anything is allocated",
          "[weights][hostile]") {
  const TemporaryFolder folder;
  copy_model(sentiment, folder.path(), [](auto&, auto&) {});
  edit_config(folder.path(), [](json& c) { c["n_layers"] = 1000000000; });
  check_load_error(folder.path(), ErrorCode::malformed, {"n_layers"});
}

TEST_CASE("FFF depth and node count must agree", "[weights][hostile]") {
  const TemporaryFolder folder;
  copy_model(golden_dir() / "distilbert-fff-sentiment", folder.path(), [](auto&, auto&) {});
  edit_config(folder.path(), [](json& c) { c["feed_forward"]["depth"] = 4; });
  check_load_error(folder.path(), ErrorCode::mismatch, {"ffn.linear_in.weight"});
}

TEST_CASE("id2label of another size than the head is an error", "[weights]") {
  const TemporaryFolder folder;
  copy_model(sentiment, folder.path(), [](auto&, auto&) {});
  edit_config(folder.path(), [](json& c) { c["id2label"] = {{"0", "A"}, {"1", "B"}}; });
  check_load_error(folder.path(), ErrorCode::mismatch, {"id2label", "2", "3"});
}

TEST_CASE("weights of another model say whose they should be", "[weights]") {
  const TemporaryFolder folder;
  copy_model(sentiment, folder.path(), [](auto& tensors, auto&) {
    std::erase_if(tensors, [](const EditedTensor& t) {
      return t.name.find("word_embeddings") != std::string::npos;
    });
  });
  check_load_error(folder.path(), ErrorCode::mismatch, {"word_embeddings", "distilbert model"});
}

TEST_CASE("HOSTILE 19: NaN in a weight loads and flags itself in the output",
          "[weights][hostile]") {
  const TemporaryFolder folder;
  copy_model(golden_dir() / "distilbert-base", folder.path(), [](auto& tensors, auto&) {
    EditedTensor& t = find(tensors, "embeddings.LayerNorm.weight");
    std::fill(t.bytes.begin(), t.bytes.end(), std::byte{0xff});
  });
  const Model model = Model::load(folder.path());
  const std::vector<std::int32_t> ids = {1, 2, 3};
  const auto hidden = run(model, {{.ids = ids}}, Output::hidden)[0];
  CHECK(std::isnan(hidden[0]));
}

TEST_CASE("HOSTILE 20: a git-lfs pointer is told apart", "[weights][hostile]") {
  const TemporaryFolder folder;
  copy_model(sentiment, folder.path(), [](auto&, auto&) {});
  std::ofstream(folder.path() / "model.safetensors")
      << "version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 267954768\n";
  check_load_error(folder.path(), ErrorCode::malformed, {"model.safetensors", "git"});
}

TEST_CASE("tensors that nobody reads are listed", "[weights]") {
  const TemporaryFolder folder;
  copy_model(golden_dir() / "distilbert-base", folder.path(), [](auto& tensors, auto&) {
    tensors.push_back({"embeddings.position_ids", Dtype::i64, {1}, std::vector<std::byte>(8)});
  });
  const ModelInfo info = inspect(Model::load(folder.path()));
  CHECK(info.unused_tensors == std::vector<std::string>{"embeddings.position_ids"});
}

TEST_CASE("a token that the embedding has no row for harms only the texts that have it",
          "[weights]") {
  const TemporaryFolder folder;
  copy_model(sentiment, folder.path(), [](auto& tensors, auto&) {
    EditedTensor& t = find(tensors, "distilbert.embeddings.word_embeddings.weight");
    t.shape[0] -= 1;
    t.bytes.resize(t.bytes.size() - t.shape[1] * 2);
  });
  edit_config(folder.path(), [](json& c) { c["vocab_size"] = c["vocab_size"].get<int>() - 1; });
  const Model model = Model::load(folder.path());
  REQUIRE(model.notices().size() == 1);
  CHECK_THAT(model.notices()[0], ContainsSubstring("rows"));
  const std::int32_t last = model.config().vocab_size;
  // The last token goes on with a word: "##na".
  const std::string without = "a", with = "qna";
  const auto ids = model.encode(with).ids;
  REQUIRE(std::find(ids.begin(), ids.end(), last) != ids.end());
  const TextInput texts[] = {{without}, {with}, {without}};
  const auto results = classify(model, texts);
  CHECK(results[0].has_value());
  REQUIRE_FALSE(results[1].has_value());
  CHECK(results[1].error().code() == ErrorCode::mismatch);
  CHECK(results[2].has_value());
}

TEST_CASE("every architecture's table names each tensor once", "[weights]") {
  for (const fs::path& folder : subdirectories(golden_dir())) {
    const auto json = JsonDocument::parse(read_json(folder / "config.json").dump(), "config.json");
    ModelConfig config = parse_config(json.root());
    if (config.labels.empty()) config.labels = {"A", "B"};
    std::set<std::string> names;
    for (const PackedSpec& spec : weight_table(config, {}, ""))
      CHECK(names.insert(spec.name).second);
  }
}

}  // namespace
}  // namespace sapwood::test
