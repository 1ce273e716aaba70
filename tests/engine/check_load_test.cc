// Whether a model loads, told by its files without its weights.
#include "catch.h"
#include "mutate.h"
#include "sapwood/convert.h"
#include "sapwood/inspect.h"

namespace sapwood::test {
namespace {

TEST_CASE("check_load says of every golden checkpoint what loading it shows", "[check load]") {
  const TemporaryFolder folder;
  std::set<std::string> tokenizers;
  for (const fs::path& directory : subdirectories(golden_dir())) {
    const fs::path file = folder.path() / (directory.filename().string() + ".safetensors");
    convert(directory, file);
    for (const fs::path& path : {directory, file}) {
      INFO(path);
      const Model model = Model::load(path);
      const LoadCheck check = check_load(path);
      CHECK(check.problems == std::vector<std::string>());
      CHECK(check.loads());
      CHECK(check.path == path);
      CHECK(check.architecture == model.config().architecture);
      CHECK(check.head == to_string(model.config().head));
      CHECK(check.tokenizer == model.tokenizer().model_type());
      if (path == directory) CHECK(check.notices == model.notices());
      tokenizers.insert(check.tokenizer);
    }
  }
  CHECK(tokenizers == std::set<std::string>{"BPE", "Unigram", "WordPiece"});
}

TEST_CASE("check_load says everything that is wrong with a directory, and what is known of it",
          "[check load]") {
  const fs::path good = golden_dir() / "roberta-wordpiece-ner";
  const auto checked = [&](const std::function<void(const fs::path&)>& edit) {
    const TemporaryFolder folder;
    copy_model(good, folder.path(), [](auto&, auto&) {});
    edit(folder.path());
    LoadCheck check = check_load(folder.path());
    // What loads according to the check loads, and nothing else.
    bool loads = true;
    try {
      Model::load(folder.path());
    } catch (const Error&) {
      loads = false;
    }
    CHECK(check.loads() == loads);
    return check;
  };
  const auto one_problem = [](const LoadCheck& check, const std::string& says) {
    REQUIRE(check.problems.size() == 1);
    CHECK_THAT(check.problems[0], ContainsSubstring(says));
  };
  {
    const LoadCheck check = checked([](const fs::path& folder) {
      edit_config(folder, [](json& config) { config["model_type"] = "deberta-v2"; });
    });
    one_problem(check, "'deberta-v2' is not supported");
    CHECK(check.architecture == "deberta-v2");
    CHECK(check.head.empty());
    CHECK(check.tokenizer == "WordPiece");
  }
  {
    const LoadCheck check = checked([](const fs::path& folder) {
      fs::remove(folder / "model.safetensors");
      std::ofstream(folder / "tokenizer.json") << "{";
    });
    REQUIRE(check.problems.size() == 2);
    CHECK_THAT(check.problems[0], ContainsSubstring("model.safetensors"));
    CHECK_THAT(check.problems[1], ContainsSubstring("tokenizer.json"));
    CHECK(check.architecture == "roberta");
    CHECK(check.head == "token_classification");
    CHECK(check.tokenizer.empty());
  }
  {
    const LoadCheck check = checked([](const fs::path& folder) {
      edit_config(folder, [](json& config) { config["hidden_size"] = 36; });
    });
    one_problem(check, "expected [488, 36]");
    CHECK(check.head == "token_classification");
  }
  {
    const LoadCheck check =
        checked([](const fs::path& folder) { fs::remove(folder / "config.json"); });
    one_problem(check, "config.json");
    CHECK(check.architecture.empty());
  }
  one_problem(checked([](const fs::path& folder) { fs::remove(folder / "tokenizer.json"); }),
              "tokenizer.json");
  {
    // A head that is missing is no reason not to load.
    const TemporaryFolder folder;
    copy_model(good, folder.path(), [](auto& tensors, auto&) {
      std::erase_if(tensors, [](const auto& tensor) { return tensor.name.starts_with("class"); });
    });
    const LoadCheck check = check_load(folder.path());
    CHECK(check.loads());
    CHECK(check.head == "none");
    REQUIRE(check.notices.size() == 1);
    CHECK_THAT(check.notices[0], ContainsSubstring("loaded without its head"));
  }
}

TEST_CASE("a tokenizer with more tokens than the model has rows is told wherever a model is read",
          "[check load]") {
  const TemporaryFolder folder;
  const fs::path encoder = folder.path() / "encoder", table = folder.path() / "table";
  const fs::path file = folder.path() / "converted.safetensors";
  copy_model(golden_dir() / "roberta-wordpiece-ner", encoder, [](auto&, auto&) {});
  json config = read_json(encoder / "tokenizer_config.json");
  config["additional_special_tokens"] = {"<e1>"};
  std::ofstream(encoder / "tokenizer_config.json") << config;
  const std::vector<std::string> told = Model::load(encoder).notices();
  REQUIRE(told.size() == 1);
  CHECK_THAT(told[0], ContainsSubstring("and the model's embedding only") &&
                          ContainsSubstring("take the tokenizer that the model was trained with"));
  CHECK(check_load(encoder).notices == told);
  CHECK(convert(encoder, file).notices == told);
  CHECK(check_load(file).notices.size() == 1);

  copy_model(source_dir() / "tests/golden/static/model2vec", table, [](auto& tensors, auto&) {
    EditedTensor& rows = find(tensors, "embeddings");
    rows.bytes.resize(rows.bytes.size() / static_cast<std::size_t>(rows.shape[0]));
    rows.shape[0] = 1;
  });
  const LoadCheck check = check_load(table);
  REQUIRE(check.problems.size() == 1);
  CHECK_THAT(
      check.problems[0],
      ContainsSubstring("only 1 rows: expected one for each token; take the tokenizer.json"));
  fs::remove(file);
  CHECK_THROWS_WITH(convert(table, file), ContainsSubstring("only 1 rows"));
  CHECK_FALSE(fs::exists(file));
  check_load_error(table, ErrorCode::mismatch, {"only 1 rows"});
}

TEST_CASE("check_load of what is no model at all", "[check load]") {
  const TemporaryFolder folder;
  CHECK_FALSE(check_load(folder.path()).loads());
  std::ofstream(folder.path() / "notes.txt") << "no model";
  CHECK_FALSE(check_load(folder.path() / "notes.txt").loads());
  try {
    check_load(folder.path() / "nothing");
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::not_found);
  }
}

}  // namespace
}  // namespace sapwood::test
