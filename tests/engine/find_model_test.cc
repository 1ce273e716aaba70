#include <cstdlib>

#include "catch.h"
#include "golden.h"

namespace sapwood::test {
namespace {

ErrorCode code_of(const std::string& name) {
  try {
    find_model(name);
  } catch (const Error& e) {
    return e.code();
  }
  FAIL("expected an error for '" << name << "'");
  return {};
}

TEST_CASE("a model is found by path, by name and in SAPWOOD_MODELS", "[find_model]") {
  CHECK(find_model(golden_dir().string()) == golden_dir());
  // A folder with one converted file stands for it, by name and by path.
  const fs::path file = find_model("minilm-fff-ner");
  CHECK(file == source_dir() / "models/minilm-fff-ner/model.safetensors");
  CHECK(find_model(file.parent_path().string()) == file);
  const std::vector<fs::path> models = list_models();
  CHECK(std::find(models.begin(), models.end(), file.parent_path()) != models.end());

  const TemporaryFolder one, two;
  std::ofstream(two.path() / "mine.safetensors") << "x";
  setenv("SAPWOOD_MODELS", (one.path().string() + "::" + two.path().string()).c_str(), 1);
  CHECK(find_model("mine") == two.path() / "mine.safetensors");
  unsetenv("SAPWOOD_MODELS");
  CHECK(code_of("mine") == ErrorCode::not_found);
}

TEST_CASE("names that are no names are not searched for", "[find_model]") {
  for (const char* name : {"", "no/such/model", "../../etc/no-such"})
    CHECK(code_of(name) == ErrorCode::not_found);
}

TEST_CASE("the files of a model are its parts and those of its modules", "[find_model]") {
  const TemporaryFolder folder;
  const auto names = [&](const fs::path& model) {
    std::set<std::string> list;
    for (const fs::path& file : model_files(model)) {
      list.insert(fs::relative(file, folder.path()).string());
    }
    return list;
  };
  fs::create_directories(folder.path() / "1_Pooling");
  fs::create_directories(folder.path() / "results");
  for (const char* name :
       {"config.json", "model.safetensors", "tokenizer.json", "modules.json", "added_tokens.json",
        "sentence_bert_config.json", "vocab.txt", "1_Pooling/config.json", "out.json", "out.txt",
        "mine.safetensors", "results/out.json"}) {
    std::ofstream(folder.path() / name) << "x";
  }
  const std::set<std::string> parts{
      "1_Pooling/config.json", "added_tokens.json",         "config.json",    "model.safetensors",
      "modules.json",          "sentence_bert_config.json", "tokenizer.json", "vocab.txt"};
  CHECK(names(folder.path()) == parts);
  CHECK(names(folder.path() / "mine.safetensors") == std::set<std::string>{"mine.safetensors"});
  CHECK(names(folder.path() / "vocab.txt") ==
        std::set<std::string>{"added_tokens.json", "vocab.txt"});
}

}  // namespace
}  // namespace sapwood::test
