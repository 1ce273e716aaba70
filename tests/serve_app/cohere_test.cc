// Ranking as Cohere and Jina have it.
#include "catch.h"
#include "service.h"

namespace sapwood::test {
namespace {

const std::vector<std::string_view> kDocuments{"here and there", "nowhere", "a place"};

TEST_CASE("/v1/rerank and /v2/rerank rank documents") {
  Service service({"embed", "cross"});
  const Ranking wanted = rerank(test_model("cross"), "where", kDocuments).value();
  for (const std::string path : {"/v1/rerank", "/v2/rerank"}) {
    const Json found = answer_of(service.post(
        path, {{"model", "cross"}, {"query", "where"}, {"documents", kDocuments}, {"top_n", 2}}));
    CHECK_FALSE(found["id"].get<std::string>().empty());
    CHECK(found["meta"]["api_version"]["version"] == path.substr(2, 1));
    REQUIRE(found["results"].size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
      CHECK(found["results"][i]["index"] == wanted.texts[i].index);
      CHECK(found["results"][i]["relevance_score"].get<float>() == wanted.texts[i].score);
      CHECK_FALSE(found["results"][i].contains("document"));
    }
  }
  const Json objects = answer_of(service.post("/v1/rerank", {{"model", "cross"},
                                                             {"query", "where"},
                                                             {"documents", {{{"text", "nowhere"}}}},
                                                             {"return_documents", true}}));
  CHECK(objects["results"][0]["document"]["text"] == "nowhere");
}

TEST_CASE("/rerank tells Jina's documents from text-embeddings-inference's texts") {
  Service service({"cross"});
  const Json found =
      answer_of(service.post("/rerank", {{"query", "where"}, {"documents", kDocuments}}));
  const Ranking wanted = rerank(test_model("cross"), "where", kDocuments).value();
  CHECK(found["model"] == "cross");
  CHECK(found["usage"]["total_tokens"].get<int>() > 0);
  REQUIRE(found["results"].size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto index = static_cast<std::size_t>(wanted.texts[i].index);
    CHECK(found["results"][i]["index"] == index);
    CHECK(found["results"][i]["document"]["text"] == kDocuments[index]);
    CHECK(found["results"][i]["relevance_score"].get<float>() == wanted.texts[i].score);
  }
  check_tei_error(service.post("/rerank", {{"query", "a"}, {"documents", {"b"}}, {"texts", {"c"}}}),
                  422, "Validation", "texts");
}

TEST_CASE("Cohere's errors are a message") {
  Service service({"cross"});
  const auto refused = [&](const Json& body, int status, const std::string& part) {
    const Json answer = answer_of(service.post("/v2/rerank", body), status);
    CHECK(answer.size() == 1);
    CHECK_THAT(answer["message"].get<std::string>(), ContainsSubstring(part));
  };
  refused({{"query", "a"}, {"documents", Json::array()}}, 400, "documents");
  refused({{"query", "a"}, {"documents", {"b"}}, {"rank_fields", {"c"}}}, 422, "rank_fields");
  refused({{"query", "a"}, {"documents", {"b"}}, {"model", "rerank-v3.5"}}, 404, "cross");
  refused({{"query", "a"}, {"documents", {"b"}}, {"top_n", 0}}, 422, "top_n");
  refused({{"query", "a"}, {"documents", {1}}}, 422, "documents[0]");
  refused({{"documents", {"b"}}}, 422, "query");
}

}  // namespace
}  // namespace sapwood::test
