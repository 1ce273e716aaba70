// The table of names and shapes against checkpoints that do not fit it.
#include <bit>
#include <cstring>

#include "architecture/head.h"
#include "architecture/parse_config.h"
#include "catch.h"
#include "mutate.h"
#include "sapwood/convert.h"
#include "sapwood/inspect.h"
#include "sapwood/tasks.h"
#include "weights/packed_weights.h"
#include "weights/weight_table.h"

namespace sapwood::test {
namespace {

const fs::path sentiment = golden_dir() / "distilbert-sentiment-f16";

ModelConfig config_of(const fs::path& folder) {
  const auto file = InputFile::open(folder / "config.json");
  const auto json = JsonDocument::parse(file.read(kMaxConfigBytes), file.path().string());
  return parse_config(json.root());
}

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

TEST_CASE("a head whose tensors are missing is missed by the tasks that need it alone",
          "[weights]") {
  for (const std::string missing : {"classifier.bias", "pre_classifier"}) {
    INFO(missing);
    const TemporaryFolder folder;
    copy_model(sentiment, folder.path(), [&](auto& tensors, auto&) {
      std::erase_if(tensors, [&](const EditedTensor& t) { return t.name.starts_with(missing); });
    });
    const Model whole = Model::load(sentiment), model = Model::load(folder.path());
    CHECK(model.config().head == HeadKind::none);
    CHECK_THAT(model.notices().at(0), ContainsSubstring(missing));
    CHECK_THAT(model.notices().at(0), ContainsSubstring("loaded without its head"));
    const TextInput text{.text = "a charming journey"};
    CHECK(embed(model, {&text, 1})[0].value().values == embed(whole, {&text, 1})[0].value().values);

    // The same from a converted file.
    const fs::path file = folder.path() / "converted.safetensors";
    CHECK_THAT(convert(folder.path(), file).notices.at(0),
               ContainsSubstring("loaded without its head"));
    const Model converted = Model::load(file);
    CHECK_THAT(converted.notices().at(0), ContainsSubstring("loaded without its head"));
    for (const Model& headless : {model, converted}) {
      // A classifier is not taken for an encoder of embeddings either.
      const std::string_view one = "a text";
      CHECK_THROWS_AS(rerank(headless, "a query", {&one, 1}), Error);
      try {
        classify(headless, {&text, 1});
        FAIL("expected an error");
      } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::unsupported);
        CHECK_THAT(error.what(), ContainsSubstring("encoder without a head (config.json names a "
                                                   "sequence_classification head, but the"));
      }
      CHECK_NOTHROW(embed(headless, {&text, 1}));
    }
  }
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
  copy_model(sentiment, folder.path(), [](auto& tensors, auto&) {
    find(tensors, "classifier.bias").dtype = TensorDtype::i16;
  });
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

TEST_CASE("what a checkpoint has more than its configuration asks for is told", "[weights]") {
  for (const auto& [name, key] :
       {std::pair{"distilbert-base", "n_layers"}, std::pair{"modernbert-base", "num_hidden_layers"},
        std::pair{"roberta-nli", "num_hidden_layers"}}) {
    INFO(name);
    const TemporaryFolder folder;
    copy_model(golden_dir() / name, folder.path(), [](auto&, auto&) {});
    CHECK(Model::load(folder.path()).notices().empty());
    edit_config(folder.path(), [key = key](json& config) { config[key] = 1; });
    const std::vector<std::string> told = Model::load(folder.path()).notices();
    REQUIRE(told.size() == 1);
    CHECK_THAT(told[0], ContainsSubstring("and config.json asks for 1 layers"));
  }
  const TemporaryFolder folder;
  copy_model(golden_dir() / "bert-qa", folder.path(), [](auto&, auto&) {});
  edit_config(folder.path(), [](json& config) { config["type_vocab_size"] = 0; });
  check_load_error(folder.path(), ErrorCode::mismatch,
                   {"config.json: type_vocab_size: expected 2"});
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

// int8 has no NaN: what holds one is kept in bf16, so that results say that they are none.
TEST_CASE("HOSTILE 19: NaN and infinity in a weight stay in int8 models", "[weights][hostile]") {
  struct Case {
    const char *model, *tensor, *kept;
  };
  // The last row's last element: of an embedding, of products (one of several sources among them),
  // of a tied decoder, and of the last node of a tree or the neurons beside it.
  for (const auto& [model, tensor, kept] : std::initializer_list<Case>{
           {"distilbert-base", "embeddings.word_embeddings.weight", "embeddings.word"},
           {"distilbert-base", "transformer.layer.0.attention.v_lin.weight",
            "layers.0.attention.qkv"},
           {"distilbert-base", "transformer.layer.1.ffn.lin1.weight", "layers.1.ffn.in"},
           {"distilbert-base", "transformer.layer.1.ffn.lin2.weight", "layers.1.ffn.out"},
           {"distilbert-mlm", "distilbert.embeddings.word_embeddings.weight", "head.decoder"},
           {"distilbert-fff-base", "transformer.layer.0.ffn.linear_in.weight", "layers.0.ffn"},
           {"distilbert-fff-base", "transformer.layer.0.ffn.linear_out.weight", "layers.0.ffn"}}) {
    for (const float bad : {std::bit_cast<float>(0x7f800001u), HUGE_VALF}) {
      INFO(model << " " << tensor << " " << bad);
      const TemporaryFolder folder;
      const fs::path source = folder.path() / "source", file = folder.path() / "model.safetensors";
      copy_model(golden_dir() / model, source, [&, tensor = tensor](auto& tensors, auto&) {
        EditedTensor& t = find(tensors, tensor);
        std::memcpy(t.bytes.data() + t.bytes.size() - sizeof(bad), &bad, sizeof(bad));
      });
      const ConvertReport report =
          convert(source, file, {.dtype = WeightType::int8, .max_error = 1});
      CHECK(report.not_finite == std::vector<std::string>{tensor});
      const auto product = std::find_if(report.products.begin(), report.products.end(),
                                        [&, kept = kept](const auto& p) { return p.name == kept; });
      REQUIRE(product != report.products.end());
      CHECK(product->dtype == "bf16");
      CHECK(std::isnan(product->error));
      const auto is_finite = [](const Model& loaded) {
        std::vector<std::int32_t> ids(static_cast<std::size_t>(loaded.config().max_positions));
        for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int32_t>(i % 40);
        ids[1] = loaded.config().vocab_size - 1;
        const std::vector<std::int32_t> selected = {1};
        const bool mlm = loaded.config().head == HeadKind::masked_lm;
        const auto rows = run(loaded, {{.ids = ids, .selected = selected}},
                              mlm ? Output::head : Output::hidden)[0];
        return std::all_of(rows.begin(), rows.end(), [](float x) { return std::isfinite(x); });
      };
      // GELU takes minus infinity to 0, so f32 says what an infinity does.
      const bool expected = is_finite(Model::load(source));
      if (std::isnan(bad)) CHECK_FALSE(expected);
      CHECK(is_finite(Model::load(source, {.dtype = WeightType::int8})) == expected);
      CHECK(is_finite(Model::load(file)) == expected);
    }
  }
}

TEST_CASE("finite int8 models have no exceptions", "[weights]") {
  for (const fs::path& folder : subdirectories(golden_dir())) {
    INFO(folder.filename());
    ModelConfig config = config_of(folder);
    const auto types = WeightTypes::all(kernels::DType::int8);
    const TensorSource checkpoint = open_checkpoint(folder);
    resolve_labels(config, count_labels(checkpoint, config));
    CHECK(PackedWeights::pack(checkpoint, config, types).types().exceptions.empty());
  }
}

TEST_CASE("HOSTILE 18: a configuration that makes a size 0 is refused", "[weights][hostile]") {
  const ModelConfig good = [] {
    ModelConfig config = config_of(golden_dir() / "bert-fff-ner");
    config.labels = {"A"};
    return config;
  }();
  CHECK_NOTHROW(weight_table(good, {}, ""));
  const auto check = [&](const std::function<void(ModelConfig&)>& edit, const std::string& tensor) {
    ModelConfig config = good;
    edit(config);
    CHECK_THROWS_WITH(weight_table(config, {}, ""),
                      ContainsSubstring(tensor) && ContainsSubstring("must be positive"));
  };
  check([](ModelConfig& c) { c.labels.clear(); }, "head.classifier.weight");
  check([](ModelConfig& c) { c.vocab_size = 0; }, "embeddings.word");
  check([](ModelConfig& c) { c.hidden = c.embedding_size = 0; }, "embeddings.word");
  check([](ModelConfig& c) { c.embedding_size = 0; }, "embeddings.word");
  check([](ModelConfig& c) { c.max_positions = 0; }, "embeddings.position");
  check([](ModelConfig& c) { c.feed_forward.trees = 0; }, "layers.0.ffn.nodes");
  check([](ModelConfig& c) { c.feed_forward = {.width = 0}; }, "layers.0.ffn.in.weight");
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
    tensors.push_back(
        {"embeddings.position_ids", TensorDtype::i64, {1}, std::vector<std::byte>(8)});
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
    ModelConfig config = config_of(folder);
    if (config.labels.empty()) config.labels = {"A", "B"};
    std::set<std::string> names;
    for (const PackedSpec& spec : weight_table(config, {}, ""))
      CHECK(names.insert(spec.name).second);
  }
}

TEST_CASE("a product too long for a type's kernels is stored in a wider one", "[weights]") {
  const auto stored = [](kernels::DType type, std::int64_t k) {
    return WeightTypes::all(type).stored("layers.0.ffn.out", 64, k);
  };
  using kernels::DType;
  CHECK(stored(DType::int8, kernels::kMostInt8Depth) == DType::int8);
  CHECK(stored(DType::int8, kernels::kMostInt8Depth + 1) == DType::bf16);
  CHECK(stored(DType::bf16, kernels::kMostBf16Depth) == DType::bf16);
  CHECK(stored(DType::bf16, kernels::kMostBf16Depth + 1) == DType::f32);
  CHECK(stored(DType::int8, kernels::kMostBf16Depth + 1) == DType::f32);
  CHECK(stored(DType::f32, 1) == DType::f32);
}

}  // namespace
}  // namespace sapwood::test
