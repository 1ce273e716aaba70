// KServe v2: tensors as JSON and as bytes.
#include <cstring>

#include "catch.h"
#include "service.h"

namespace sapwood::test {
namespace {

Json tensor(const std::string& name, const Json& texts) {
  return {{"name", name}, {"shape", {texts.size()}}, {"datatype", "BYTES"}, {"data", texts}};
}

std::string with_lengths(const std::vector<std::string>& texts) {
  std::string bytes;
  for (const std::string& text : texts) {
    const auto size = static_cast<std::uint32_t>(text.size());
    bytes.append(reinterpret_cast<const char*>(&size), sizeof size);
    bytes += text;
  }
  return bytes;
}

Reply post_binary(Service& service, const std::string& path, const Json& head,
                  const std::string& bytes) {
  const std::string json = head.dump();
  return service.post_text(path, json + bytes,
                           {{"inference-header-content-length", std::to_string(json.size())}});
}

Json binary_tensor(std::size_t texts, std::size_t bytes) {
  return {{"name", "text"},
          {"shape", {texts}},
          {"datatype", "BYTES"},
          {"parameters", {{"binary_data_size", bytes}}}};
}

void check_kserve_error(const Reply& reply, int status, const std::string& part) {
  const Json answer = answer_of(reply, status);
  CHECK(answer.size() == 1);
  CHECK_THAT(answer["error"].get<std::string>(), ContainsSubstring(part));
}

TEST_CASE("infer gives embeddings in JSON") {
  Service service({"sst2", "embed"});
  const std::vector<std::string> texts{"A dog runs.", "Two cats sleep."};
  const Json found = answer_of(
      service.post("/v2/models/embed/infer", {{"id", "7"}, {"inputs", {tensor("text", texts)}}}));
  CHECK(found["model_name"] == "embed");
  CHECK(found["id"] == "7");
  REQUIRE(found["outputs"].size() == 1);
  const Json& output = found["outputs"][0];
  CHECK(output["name"] == "embedding");
  CHECK(output["datatype"] == "FP32");
  const Model model = test_model("embed");
  CHECK(output["shape"] == Json({2, model.config().hidden}));
  std::vector<float> wanted;
  for (const std::string& text : texts) {
    for (const float value : embedding_of(model, text, {})) wanted.push_back(value);
  }
  CHECK(floats(output["data"]) == wanted);
}

TEST_CASE("infer takes and gives binary tensors") {
  Service service({"embed"});
  const std::vector<std::string> texts{"A dog runs.", "", "s\u00fcn"};
  const std::string bytes = with_lengths(texts);
  Json head{{"inputs", {binary_tensor(3, bytes.size())}},
            {"outputs", {{{"name", "embedding"}, {"parameters", {{"binary_data", true}}}}}}};
  const Reply reply = post_binary(service, "/v2/models/embed/infer", head, bytes);
  REQUIRE(reply.status == 200);
  CHECK(reply.content_type == "application/octet-stream");
  const auto size = std::stoul(reply.header("inference-header-content-length"));
  const Json json = Json::parse(reply.body.substr(0, size));
  const std::string data = reply.body.substr(size);
  CHECK(json["outputs"][0]["parameters"]["binary_data_size"] == data.size());
  std::vector<float> found(data.size() / sizeof(float)), wanted;
  std::memcpy(found.data(), data.data(), data.size());
  for (const std::string& text : texts) {
    for (const float value : embedding_of(test_model("embed"), text, {})) wanted.push_back(value);
  }
  CHECK(found == wanted);
  head.erase("outputs");
  const Json plain = answer_of(post_binary(service, "/v2/models/embed/infer", head, bytes));
  CHECK(floats(plain["outputs"][0]["data"]) == wanted);
}

TEST_CASE("infer gives logits in the labels' order, of texts and pairs") {
  Service service({"sst2", "cross"});
  const Model model = test_model("sst2");
  const TextInput input{"a great film"};
  const auto value =
      classify(model, {&input, 1}, {.top_k = 0, .function = ScoreFunction::none})[0].value();
  std::vector<float> wanted(value.labels.size());
  for (const LabelScore& each : value.labels)
    wanted[static_cast<std::size_t>(each.id)] = each.score;
  const Json found = answer_of(
      service.post("/v2/models/sst2/infer", {{"inputs", {tensor("text", {"a great film"})}}}));
  CHECK(found["outputs"][0]["name"] == "logits");
  CHECK(floats(found["outputs"][0]["data"]) == wanted);
  const TextInput pair{"where", "here"};
  const auto score =
      classify(test_model("cross"), {&pair, 1}, {.top_k = 0, .function = ScoreFunction::none})[0]
          .value();
  const Json ranked = answer_of(
      service.post("/v2/models/cross/infer",
                   {{"inputs", {tensor("text", {"where"}), tensor("text_pair", {"here"})}}}));
  CHECK(floats(ranked["outputs"][0]["data"]) == std::vector<float>{score.labels[0].score});
}

TEST_CASE("infer gives other tasks' answers as JSON texts") {
  Service service({"ner", "qa", "mlm"});
  const std::string text = "Angela Merkel lives in Berlin.";
  const Json found =
      answer_of(service.post("/v2/models/ner/infer", {{"inputs", {tensor("text", {text})}}}));
  CHECK(found["outputs"][0]["datatype"] == "BYTES");
  CHECK(Json::parse(found["outputs"][0]["data"][0].get<std::string>()) ==
        answer_of(service.post("/models/ner", {{"inputs", text}})));
  const Json answers = answer_of(service.post(
      "/v2/models/qa/infer",
      {{"inputs", {tensor("question", {"Where?"}), tensor("context", {"By the sea."})}}}));
  CHECK(Json::parse(answers["outputs"][0]["data"][0].get<std::string>()) ==
        answer_of(service.post(
            "/models/qa", {{"inputs", {{"question", "Where?"}, {"context", "By the sea."}}}})));
  const Json fills =
      answer_of(service.post("/v2/models/mlm/infer", {{"inputs", {tensor("text", {"a [MASK]"})}}}));
  CHECK(Json::parse(fills["outputs"][0]["data"][0].get<std::string>()).size() == 5);
  check_kserve_error(
      service.post("/v2/models/qa/infer", {{"inputs", {tensor("question", {"Where?"})}}}), 422,
      "context");
}

TEST_CASE("binary tensors whose sizes disagree are refused") {
  Service service({"embed"});
  const std::string path = "/v2/models/embed/infer";
  const std::string bytes = with_lengths({"abc", "de"});
  const auto refused = [&](std::size_t texts, std::size_t size, const std::string& data,
                           const std::string& part, int status = 400) {
    check_kserve_error(post_binary(service, path, {{"inputs", {binary_tensor(texts, size)}}}, data),
                       status, part);
  };
  refused(2, bytes.size() + 1, bytes, "binary_data_size");
  refused(2, bytes.size() - 1, bytes, "bytes is said to follow");
  refused(2, 9, bytes, "cut short");
  refused(2, bytes.size(), bytes + "x", "left behind");
  refused(3, bytes.size(), bytes, "says 3 texts, found 2", 422);
  refused(1, 8, std::string("\xff\xff\xff\xff", 4) + "abcd", "4294967295");
  refused(1, 6, with_lengths({"\xc3("}), "UTF-8", 422);
  refused(1, 0, "", "says 1 texts, found 0", 422);
  check_kserve_error(service.post_text(path, "{}", {{"inference-header-content-length", "3"}}), 400,
                     "Inference-Header-Content-Length");
  check_kserve_error(service.post_text(path, "{}", {{"inference-header-content-length", "-1"}}),
                     400, "Inference-Header-Content-Length");
}

TEST_CASE("tensors of other names, types and shapes are refused") {
  Service service({"embed"});
  const auto refused = [&](const Json& body, int status, const std::string& part) {
    check_kserve_error(service.post("/v2/models/embed/infer", body), status, part);
  };
  refused({{"inputs", {tensor("ids", {"a"})}}}, 422, "text");
  refused({{"inputs", {tensor("text", {"a"}), tensor("text", {"b"})}}}, 422, "twice");
  refused({{"inputs", Json::array()}}, 422, "lacks the input");
  refused({{"inputs", {tensor("text", Json::array())}}}, 400, "empty");
  refused({{"inputs", {tensor("text", {1})}}}, 422, "data[0]");
  Json other = tensor("text", {"a"});
  other["datatype"] = "INT64";
  refused({{"inputs", {other}}}, 422, "BYTES");
  other = tensor("text", {"a", "b"});
  other["shape"] = {1, 2};
  refused({{"inputs", {other}}}, 422, "shape");
  other["shape"] = {2, 1};
  answer_of(service.post("/v2/models/embed/infer", {{"inputs", {other}}}));
  refused({{"inputs", {tensor("text", {"a"})}}, {"outputs", {{{"name", "logits"}}}}}, 422,
          "embedding");
  check_kserve_error(service.post("/v2/models/none/infer", Json::object()), 404, "none");
}

TEST_CASE("KServe's metadata names what infer takes and gives") {
  Service service(kAllModels);
  CHECK(answer_of(service.get("/v2"))["extensions"] == Json({"binary_tensor_data"}));
  for (const std::string& name : kAllModels) {
    const Json model = answer_of(service.get("/v2/models/" + name));
    CHECK(model["name"] == name);
    Json inputs = Json::array();
    for (const Json& input : model["inputs"]) {
      CHECK(input["datatype"] == "BYTES");
      const std::string word = name == "mlm" ? "a [MASK]" : "a";
      inputs.push_back(tensor(input["name"], {word}));
    }
    const Json found =
        answer_of(service.post("/v2/models/" + name + "/infer", {{"inputs", inputs}}));
    CHECK(found["outputs"][0]["name"] == model["outputs"][0]["name"]);
    CHECK(found["outputs"][0]["datatype"] == model["outputs"][0]["datatype"]);
    CHECK(answer_of(service.get("/v2/models/" + name + "/ready"))["ready"] == true);
  }
}

}  // namespace
}  // namespace sapwood::test
