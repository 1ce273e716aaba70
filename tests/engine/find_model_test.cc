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

}  // namespace
}  // namespace sapwood::test
