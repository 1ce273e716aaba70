// Models loaded again while they answer.
#include <atomic>
#include <filesystem>
#include <thread>

#include "catch.h"
#include "scratch.h"
#include "service.h"

namespace sapwood::test {
namespace {

namespace fs = std::filesystem;

// A copy of a shipped model, whose file can be changed.
void put(const ScratchDir& folder, const std::string& name) {
  const fs::path source =
      fs::path(SAPWOOD_SOURCE_DIR) / "models" / ("minilm-fff-" + name) / "model.safetensors";
  // As a file is replaced that is in use: a new one in its place.
  fs::copy_file(source, folder / "new", fs::copy_options::overwrite_existing);
  fs::rename(folder / "new", folder / "model.safetensors");
}

TEST_CASE("reload puts new models in the old ones' places") {
  const ScratchDir folder;
  put(folder, "embed");
  serve::AppOptions options = test_options({"sst2"});
  options.models.push_back({"changing", folder / "model.safetensors"});
  Service service(options);
  answer_of(service.post("/models/changing/embed", {{"inputs", "a"}}));
  put(folder, "sst2");
  const auto report = service.app().reload();
  REQUIRE(report.size() == 2);
  CHECK(report[0].model == "sst2");
  CHECK(report[0].error.empty());
  CHECK(report[1].error.empty());
  answer_of(service.post("/models/changing/embed", {{"inputs", "a"}}), 424);
  CHECK(answer_of(service.post("/models/changing/predict", {{"inputs", "a"}})) ==
        answer_of(service.post("/predict", {{"inputs", "a"}})));
}

TEST_CASE("a model that cannot be loaded again stays as it was, and it is said") {
  const ScratchDir folder;
  put(folder, "embed");
  serve::AppOptions options = test_options({"sst2"});
  options.models.push_back({"changing", folder / "model.safetensors"});
  Service service(options);
  const Json before = answer_of(service.post("/models/changing/embed", {{"inputs", "a"}}));
  folder.write("new", "no model at all");
  fs::rename(folder / "new", folder / "model.safetensors");
  const auto report = service.app().reload();
  CHECK(report[0].error.empty());
  CHECK_THAT(report[1].error, ContainsSubstring("model.safetensors"));
  CHECK(answer_of(service.post("/models/changing/embed", {{"inputs", "a"}})) == before);
  CHECK_THAT(service.get("/metrics").body,
             ContainsSubstring("sapwood_reloads_total{result=\"failed\"} 1\n"));
}

TEST_CASE("a classifier whose checkpoint lost its head is refused, not served as an embedder") {
  const ScratchDir folder;
  const fs::path golden = fs::path(SAPWOOD_SOURCE_DIR) / "tests/golden/data";
  for (const auto& file : fs::directory_iterator(golden / "distilbert-sentiment-f16")) {
    fs::copy_file(file.path(), folder / file.path().filename().string());
  }
  serve::AppOptions options = test_options({"embed"});
  options.models.push_back({"changing", folder.path().string()});
  Service service(options);
  const Json before = answer_of(service.post("/models/changing/predict", {{"inputs", "a"}}));
  // An encoder of the same family, under a configuration that names a classifier.
  Json config = Json::parse(read_file(folder / "config.json"));
  fs::remove_all(folder.path());
  fs::create_directories(folder.path());
  for (const auto& file : fs::directory_iterator(golden / "distilbert-base")) {
    fs::copy_file(file.path(), folder / file.path().filename().string());
  }
  Json encoder = Json::parse(read_file(folder / "config.json"));
  encoder["architectures"] = config["architectures"];
  folder.write("config.json", encoder.dump());
  CHECK_THAT(service.app().reload().at(1).error,
             ContainsSubstring("names a model with a sequence_classification head"));
  CHECK(answer_of(service.post("/models/changing/predict", {{"inputs", "a"}})) == before);
}

TEST_CASE("requests of many threads are answered while models are loaded again", "[threads]") {
  Service service({"embed", "sst2"});
  const Json wanted = answer_of(service.post("/embed", {{"inputs", {"a dog", "a cat"}}}));
  std::atomic<bool> done = false;
  std::atomic<int> wrong = 0, right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      while (!done || right < 20) {
        const Reply reply = service.post("/embed", {{"inputs", {"a dog", "a cat"}}});
        ++(reply.status == 200 && reply.json() == wanted ? right : wrong);
        if (wrong > 0) return;
      }
    });
  }
  for (int i = 0; i < 5; ++i) {
    for (const auto& each : service.app().reload()) CHECK(each.error.empty());
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace sapwood::test
