// OpenAI's routes.
#include <cstring>

#include "base64.h"
#include "catch.h"
#include "service.h"

namespace sapwood::test {
namespace {

// Another way to read base64 than the one that writes it.
std::string from_base64(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<std::uint32_t>(digits.find(c));
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>(bits >> count & 255);
    }
  }
  return bytes;
}

std::vector<float> floats_from_base64(const std::string& text) {
  const std::string bytes = from_base64(text);
  std::vector<float> numbers(bytes.size() / sizeof(float));
  if (!bytes.empty()) std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

Json openai_error(const Reply& reply, int status, const std::string& code,
                  const std::string& part) {
  const Json answer = answer_of(reply, status);
  CHECK(answer.size() == 1);
  const Json error = answer["error"];
  CHECK(error["code"] == code);
  CHECK_FALSE(error["type"].get<std::string>().empty());
  CHECK(error.contains("param"));
  CHECK_THAT(error["message"].get<std::string>(), ContainsSubstring(part));
  return error;
}

TEST_CASE("base64 ends with padding as RFC 4648 wants it") {
  for (std::size_t count = 0; count < 5; ++count) {
    std::vector<float> numbers(count);
    for (std::size_t i = 0; i < count; ++i) numbers[i] = 0.3f * static_cast<float>(i) - 1;
    std::string text = "x";
    serve::append_base64(text, numbers);
    CHECK(text.size() == 1 + (4 * count + 2) / 3 * 4);
    CHECK(floats_from_base64(text.substr(1)) == numbers);
  }
}

TEST_CASE("/v1/embeddings gives numbers or base64") {
  Service service({"embed"});
  const Model model = test_model("embed");
  const std::vector<std::string> texts{"A dog runs.", "Two cats sleep."};
  for (const char* const path : {"/v1/embeddings", "/embeddings", "/models/embed/v1/embeddings"}) {
    for (const char* const format : {"float", "base64"}) {
      const Json found = answer_of(service.post(
          path,
          {{"input", texts}, {"model", "embed"}, {"encoding_format", format}, {"user", "me"}}));
      CHECK(found["object"] == "list");
      CHECK(found["model"] == "embed");
      REQUIRE(found["data"].size() == 2);
      std::size_t tokens = 0;
      for (std::size_t i = 0; i < 2; ++i) {
        const Json& each = found["data"][i];
        CHECK(each["object"] == "embedding");
        CHECK(each["index"] == i);
        const Json& embedding = each["embedding"];
        const auto numbers =
            embedding.is_string() ? floats_from_base64(embedding) : floats(embedding);
        CHECK(embedding.is_string() == (std::string(format) == "base64"));
        CHECK(numbers == embedding_of(model, texts[i]));
        tokens += model.encode(texts[i]).size();
      }
      CHECK(found["usage"] == Json({{"prompt_tokens", tokens}, {"total_tokens", tokens}}));
    }
  }
}

TEST_CASE("/v1/embeddings takes strings, ids and lists of both") {
  Service service({"embed"});
  const Model model = test_model("embed");
  const auto ids = model.encode("A dog runs.").ids;
  const std::vector<std::int32_t> bare(ids.begin() + 1, ids.end() - 1);
  const std::vector<float> wanted = embedding_of(model, "A dog runs.");
  for (const Json& input :
       {Json("A dog runs."), Json::array({"A dog runs."}), Json(bare), Json::array({bare})}) {
    const Json found = answer_of(service.post("/v1/embeddings", {{"input", input}}));
    REQUIRE(found["data"].size() == 1);
    CHECK(floats(found["data"][0]["embedding"]) == wanted);
  }
  // What a client sends that counts tokens with another model's tokenizer.
  openai_error(service.post("/v1/embeddings", {{"input", {{9906, 1917, 100257}}}}), 422,
               "invalid_text", "check_embedding_ctx_length");
}

TEST_CASE("/v1/embeddings cuts to `dimensions`") {
  Service service({"embed"});
  const Json tei = answer_of(service.post("/embed", {{"inputs", "a dog"}, {"dimensions", 16}}));
  const Json found =
      answer_of(service.post("/v1/embeddings", {{"input", "a dog"}, {"dimensions", 16}}));
  CHECK(found["data"][0]["embedding"] == tei[0]);
  openai_error(service.post("/v1/embeddings", {{"input", "a"}, {"dimensions", 4096}}), 422,
               "invalid_value", "dimensions");
}

TEST_CASE("OpenAI's errors have OpenAI's shape") {
  Service service({"embed", "sst2"});
  const auto post = [&](const Json& body) { return service.post("/v1/embeddings", body); };
  openai_error(post({{"input", "a"}, {"model", "text-embedding-3-small"}}), 404, "model_not_found",
               "embed, sst2");
  openai_error(post({{"input", "a"}, {"model", "sst2"}}), 424, "unsupported_model", "sst2");
  openai_error(post({{"input", "a"}, {"prompt", "b"}}), 422, "invalid_value", "prompt");
  openai_error(post({{"input", Json::array()}}), 400, "empty_input", "input");
  openai_error(post({{"input", Json::array({Json::array()})}}), 400, "empty_input", "input[0]");
  openai_error(post({{"input", 3}}), 422, "invalid_value", "input");
  openai_error(post({{"input", nullptr}}), 422, "invalid_value", "input");
  openai_error(post(Json::object()), 422, "invalid_value", "input");
  openai_error(post({{"input", "a"}, {"encoding_format", "int8"}}), 422, "invalid_value",
               "encoding_format");
  openai_error(service.post_text("/v1/embeddings", "{"), 400, "invalid_json", "JSON");
  openai_error(service.get("/v1/embeddings"), 405, "method_not_allowed", "POST");
  openai_error(service.get("/v1/nothing"), 404, "unknown_url", "/v1/nothing");
}

TEST_CASE("/v1/models lists the models") {
  Service service({"embed", "sst2"});
  const Json list = answer_of(service.get("/v1/models"));
  CHECK(list["object"] == "list");
  REQUIRE(list["data"].size() == 2);
  CHECK(list["data"][0]["id"] == "embed");
  CHECK(list["data"][0]["object"] == "model");
  CHECK(list["data"][0]["created"].get<std::int64_t>() > 1700000000);
  CHECK(answer_of(service.get("/v1/models/sst2")) == list["data"][1]);
  openai_error(service.get("/v1/models/gpt"), 404, "model_not_found", "gpt");
}

}  // namespace
}  // namespace sapwood::test
