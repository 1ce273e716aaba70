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
