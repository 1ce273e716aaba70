// What -m finds by name: models in folders, and those that a Hugging Face library has downloaded.
#include <filesystem>

#include "answers.h"
#include "catch.h"
#include "hub_cache.h"
#include "process.h"

using namespace sapwood::test;
namespace fs = std::filesystem;

TEST_CASE("The name of a model that was downloaded is one for -m") {
  const HubCache cache;
  cache.add("models--org--encoder", golden("st-bert-mean"));
  const RunOptions options{.env = {{"HF_HUB_CACHE", cache.path().string()}}};
  const Outcome expected = run({"embed", "-m", golden("st-bert-mean"), "a tree"});
  REQUIRE(expected.status == 0);
  const std::string folder = (cache.path() / "models--org--encoder").string();
  for (const std::string& name :
       {std::string("org/encoder"), "org/encoder@" + kCommit, folder, folder + "/"}) {
    const Outcome outcome = run({"embed", "-m", name, "a tree"}, options);
    INFO(outcome.err);
    CHECK(outcome.status == 0);
    CHECK(outcome.out == expected.out);
  }
  CHECK(run({"tokenize", "-m", "org/encoder", "a tree"}, options).status == 0);
  CHECK(run({"inspect", "org/encoder"}, options).status == 0);

  const Outcome missing = run({"embed", "-m", "org/other", "a tree"}, options);
  CHECK(missing.status == 1);
  CHECK_THAT(missing.err, ContainsSubstring(cache.path().string()));
  CHECK_THAT(missing.err, ContainsSubstring("hf download org/other"));
}

TEST_CASE("Models lists what was downloaded and can be loaded, and does not fail for the rest") {
  const HubCache cache;
  cache.add("models--org--encoder", golden("st-bert-mean"));
  cache.add("models--org--tree", golden("distilbert-fff-base"));
  const TemporaryFolder other;
  other.write("config.json", R"({"model_type": "llama"})");
  cache.add("models--org--llama", other.path(""));
  cache.add("models--org--damaged", golden("st-bert-mean"));
  cache.add_ref("models--org--damaged", "main", "../../etc");
  cache.add("datasets--org--data", golden("st-bert-mean"));
  fs::create_directories(cache.path() / ".locks/models--org--encoder");

  const RunOptions options{.env = {{"HF_HUB_CACHE", cache.path().string()}}};
  const Outcome all = run({"models"}, options);
  INFO(all.err);
  CHECK(all.status == 0);
  for (const char* name : {"minilm-fff-ner ", "org/encoder ", "org/tree "}) {
    CHECK_THAT(all.out, ContainsSubstring(name));
  }
  for (const char* name : {"llama", "damaged", "data"}) CHECK(all.out.find(name) == all.out.npos);
  CHECK_THAT(all.err, ContainsSubstring("1 model of the Hugging Face cache is not listed"));
  const Outcome quiet = run({"models", "--json", "--quiet"}, options);
  CHECK(quiet.err.empty());
  CHECK_THAT(quiet.out, ContainsSubstring(R"("name":"org/encoder")"));
  CHECK(lines_of(run({"models"}).out).size() + 2 == lines_of(all.out).size());
}
