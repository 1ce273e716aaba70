#include <cstdlib>

#include "catch.h"
#include "golden.h"
#include "model_folders.h"

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

TEST_CASE("folders that the caller gives come first", "[find_model]") {
  const TemporaryFolder mine, shared;
  for (const TemporaryFolder* folder : {&mine, &shared}) {
    std::ofstream(folder->path() / "one.v2.safetensors") << "x";
  }
  fs::create_directory(mine.path() / "minilm-fff-ner");
  std::ofstream(shared.path() / "two.safetensors") << "x";
  setenv("SAPWOOD_MODELS", shared.path().c_str(), 1);
  const std::vector<fs::path> folders{mine.path()};
  CHECK(find_model("one.v2", folders) == mine.path() / "one.v2.safetensors");
  CHECK(find_model("one.v2") == shared.path() / "one.v2.safetensors");
  CHECK(find_model("two", folders) == shared.path() / "two.safetensors");
  CHECK(find_model("minilm-fff-ner", folders) == mine.path() / "minilm-fff-ner");
  // A path comes before them.
  CHECK(find_model(golden_dir().string(), folders) == golden_dir());
  const std::vector<fs::path> models = list_models(folders);
  const auto has = [&](const fs::path& path) {
    return std::find(models.begin(), models.end(), path) != models.end();
  };
  CHECK(has(mine.path() / "one.v2.safetensors"));
  CHECK_FALSE(has(shared.path() / "one.v2.safetensors"));
  CHECK(has(shared.path() / "two.safetensors"));
  CHECK(model_name(mine.path() / "one.v2.safetensors") == "one.v2");
  unsetenv("SAPWOOD_MODELS");
  try {
    find_model("no-such", folders);
    FAIL("was found");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find(mine.path().string()) != std::string::npos);
  }
}

TEST_CASE("installed models are found beside programs and libraries", "[find_model]") {
  const TemporaryFolder prefix;
  const fs::path models = prefix.path() / "share/sapwood/models";
  // The folder that a message names where there is none.
  CHECK(models_beside(prefix.path() / "bin/sapwood") == models);
  fs::create_directories(models);
  for (const char* file : {"bin/program", "lib/libsapwood.so.0.1", "lib64/libsapwood.so",
                           "lib/x86_64-linux-gnu/libsapwood.so.0.1"}) {
    CHECK(models_beside(prefix.path() / file) == models);
  }
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
