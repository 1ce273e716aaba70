#include "catch.h"
#include "sapwood/version.h"
#include "service.h"

namespace sapwood::test {
namespace {

TEST_CASE("/api/embed answers as Ollama does") {
  Service service({"embed", "sst2"});
  const Model model = test_model("embed");
  const Json one =
      answer_of(service.post("/api/embed", {{"model", "embed:latest"}, {"input", "A dog runs."}}));
  CHECK(one["model"] == "embed");
  REQUIRE(one["embeddings"].size() == 1);
  CHECK(floats(one["embeddings"][0]) == embedding_of(model, "A dog runs."));
  CHECK(one["prompt_eval_count"] == model.encode("A dog runs.").size());
  CHECK(one["total_duration"].get<std::int64_t>() > 0);
  const Json two = answer_of(service.post("/api/embed", {{"model", "embed"},
                                                         {"input", {"a", "b"}},
                                                         {"keep_alive", "5m"},
                                                         {"options", Json::object()}}));
  CHECK(two["embeddings"].size() == 2);
  const Reply refused = service.post("/api/embed", {{"model", "llama3"}, {"input", "a"}});
  CHECK(answer_of(refused, 404).size() == 1);
  CHECK_THAT(refused.json()["error"].get<std::string>(), ContainsSubstring("llama3"));
  answer_of(service.post("/api/embed", {{"model", "sst2"}, {"input", "a"}}), 424);
}

TEST_CASE("/api/embeddings answers one prompt, as Ollama's older clients ask") {
  Service service({"embed", "sst2"});
  const Json found = answer_of(service.post(
      "/api/embeddings", {{"model", "embed"}, {"prompt", "A dog runs."}, {"keep_alive", "5m"}}));
  CHECK(found.size() == 1);
  CHECK(floats(found["embedding"]) == embedding_of(test_model("embed"), "A dog runs.", {}));
  const auto refused = [&](const Json& body, int status, const std::string& part) {
    const Json answer = answer_of(service.post("/api/embeddings", body), status);
    CHECK(answer.size() == 1);
    CHECK_THAT(answer["error"].get<std::string>(), ContainsSubstring(part));
  };
  refused({{"model", "embed"}}, 422, "prompt");
  refused({{"model", "embed"}, {"prompt", {"a"}}}, 422, "prompt");
  refused({{"model", "llama3"}, {"prompt", "a"}}, 404, "llama3");
  refused({{"model", "sst2"}, {"prompt", "a"}}, 424, "sst2");
  CHECK(answer_of(service.get("/api/embeddings"), 405).size() == 1);
}

TEST_CASE("/api/tags and /api/version say what there is") {
  Service service({"embed", "sst2"});
  const Json tags = answer_of(service.get("/api/tags"));
  REQUIRE(tags["models"].size() == 2);
  CHECK(tags["models"][1]["name"] == "sst2");
  CHECK(tags["models"][1]["modified_at"].get<std::string>().size() == 20);
  CHECK(answer_of(service.get("/api/version"))["version"] == version());
}

}  // namespace
}  // namespace sapwood::test
