// Tokens, and what the service says of itself.
#include "catch.h"
#include "sapwood/utf8.h"
#include "sapwood/version.h"
#include "service.h"

namespace sapwood::test {
namespace {

TEST_CASE("/tokenize gives ids, texts and code points") {
  Service service({"embed"});
  const Model model = test_model("embed");
  const std::vector<std::string> texts{"Kant\u014d unbelievable \U0001F600 x", ""};
  const Json found = answer_of(service.post("/tokenize", {{"inputs", texts}}));
  REQUIRE(found.size() == 2);
  for (std::size_t t = 0; t < texts.size(); ++t) {
    const Encoding wanted = model.tokenizer().encode(texts[t]);
    REQUIRE(found[t].size() == wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const Json& token = found[t][i];
      CHECK(token["id"] == wanted.ids[i]);
      const bool special = wanted.special_tokens_mask[i] != 0;
      CHECK(token["special"] == special);
      if (special) {
        CHECK(token["start"].is_null());
        CHECK(token["text"] == model.tokenizer().token(wanted.ids[i]));
        continue;
      }
      const Offsets range = wanted.offsets[i];
      CHECK(token["start"] == range.start);
      CHECK(token["stop"] == range.end);
      CHECK(token["text"] == utf8::slice(texts[t], static_cast<std::size_t>(range.start),
                                         static_cast<std::size_t>(range.end)));
    }
  }
  const Json bare =
      answer_of(service.post("/tokenize", {{"inputs", "a b"}, {"add_special_tokens", false}}));
  CHECK(bare[0].size() == 2);
  check_tei_error(service.post("/tokenize", {{"inputs", Json::array()}}), 400, "Empty", "inputs");
}

TEST_CASE("/decode gives the texts of ids") {
  Service service({"embed"});
  const Model model = test_model("embed");
  const std::vector<std::int32_t> ids = model.encode("a dog runs").ids;
  CHECK(answer_of(service.post("/decode", {{"ids", ids}})) == Json({"a dog runs"}));
  CHECK(answer_of(service.post("/decode", {{"ids", {ids, {ids[1]}}}})) ==
        Json({"a dog runs", "a"}));
  CHECK(answer_of(service.post("/decode", {{"ids", ids}, {"skip_special_tokens", false}})) ==
        Json({"[CLS] a dog runs [SEP]"}));
  check_tei_error(service.post("/decode", {{"ids", Json::array()}}), 400, "Empty", "ids");
  check_tei_error(service.post("/decode", {{"ids", {99999999}}}), 422, "Tokenizer", "ids[0]");
}

TEST_CASE("/info says what each model is") {
  Service service(kAllModels);
  const std::vector<std::pair<std::string, std::string>> kinds{
      {"embed", "embedding"}, {"sst2", "classifier"}, {"ner", "token_classifier"},
      {"mlm", "fill_mask"},   {"cross", "reranker"},  {"qa", "question_answering"}};
  for (const auto& [name, kind] : kinds) {
    const Json info = answer_of(service.get("/models/" + name + "/info"));
    INFO(name);
    CHECK(info["served_model_name"] == name);
    CHECK(info["model_type"].contains(kind));
    CHECK(info["max_input_length"] == test_model(name).max_length());
    CHECK(info["max_client_batch_size"] == 32);
    CHECK(info["version"] == version());
  }
  CHECK(answer_of(service.get("/info"))["served_model_name"] == "embed");
  const Json sst2 = answer_of(service.get("/models/sst2/info"))["model_type"]["classifier"];
  CHECK(sst2["id2label"].size() == 2);
  CHECK(sst2["label2id"][sst2["id2label"]["1"].get<std::string>()] == 1);
  CHECK(answer_of(service.get("/models/embed/info"))["model_type"]["embedding"]["pooling"] ==
        "mean");
}

TEST_CASE("health routes answer until the service drains") {
  Service service({"embed"});
  for (const char* const path :
       {"/", "/health", "/ping", "/models/embed", "/models/embed/health"}) {
    const Reply reply = service.get(path);
    CHECK(reply.status == 200);
    CHECK(reply.body.empty());
  }
  CHECK(answer_of(service.get("/v2/health/ready"))["ready"] == true);
  service.app().drain();
  check_tei_error(service.get("/health"), 503, "Unhealthy", "stopping");
  check_tei_error(service.get("/"), 503, "Unhealthy", "stopping");
  CHECK(answer_of(service.get("/v2/health/ready"), 503)["ready"] == false);
  CHECK(answer_of(service.get("/v2/models/embed/ready"), 503)["ready"] == false);
  CHECK(answer_of(service.get("/v2/health/live"))["live"] == true);
  answer_of(service.post("/embed", {{"inputs", "still answered"}}));
}

}  // namespace
}  // namespace sapwood::test
