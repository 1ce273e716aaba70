// text-embeddings-inference's routes: answers equal to the library's, bit for bit.
#include "catch.h"
#include "sapwood/utf8.h"
#include "service.h"

namespace sapwood::test {
namespace {

const std::vector<std::string> kTexts{
    "A dog runs.", "", "Two cats sleep in the s\u00fcn \U0001F600", "plot [MASK] twist"};

std::string long_text() {
  std::string text;
  for (int i = 0; i < 900; ++i) text += "word ";
  return text;
}

Json predictions(const Model& model, const TextInput& input,
                 std::optional<ScoreFunction> function) {
  Json list = Json::array();
  const auto value = classify(model, {&input, 1}, {.top_k = 0, .function = function})[0].value();
  for (const LabelScore& each : value.labels) {
    list.push_back({{"label", each.label}, {"score", each.score}});
  }
  return list;
}

// Scores as float32: the shortest text of a float is another double than the float.
void check_predictions(const Json& found, const Json& wanted) {
  REQUIRE(found.size() == wanted.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CHECK(found[i].size() == 2);
    CHECK(found[i]["label"] == wanted[i]["label"]);
    CHECK(found[i]["score"].get<float>() == wanted[i]["score"].get<float>());
  }
}

TEST_CASE("/embed gives the library's vectors, normalised unless told otherwise") {
  Service service({"embed"});
  const Model model = test_model("embed");
  const Json all = answer_of(service.post("/embed", {{"inputs", kTexts}}));
  REQUIRE(all.size() == kTexts.size());
  for (std::size_t i = 0; i < kTexts.size(); ++i) {
    CHECK(floats(all[i]) == embedding_of(model, kTexts[i]));
  }
  const Json one = answer_of(service.post("/embed", {{"inputs", kTexts[0]}, {"normalize", false}}));
  REQUIRE(one.size() == 1);
  CHECK(floats(one[0]) == embedding_of(model, kTexts[0], {.normalize = false}));
  CHECK(floats(one[0]) != floats(all[0]));
}

TEST_CASE("/embed cuts vectors to `dimensions` and makes them of length 1 again") {
  Service service({"embed"});
  const std::vector<float> whole =
      embedding_of(test_model("embed"), "A dog runs.", {.normalize = false});
  const Json cut =
      answer_of(service.post("/embed", {{"inputs", "A dog runs."}, {"dimensions", 8}}));
  double norm = 0;
  for (int i = 0; i < 8; ++i) norm += double{whole[i]} * whole[i];
  std::vector<float> wanted;
  for (int i = 0; i < 8; ++i) wanted.push_back(static_cast<float>(whole[i] / std::sqrt(norm)));
  CHECK(floats(cut[0]) == wanted);
  const Json raw = answer_of(
      service.post("/embed", {{"inputs", "A dog runs."}, {"dimensions", 8}, {"normalize", false}}));
  CHECK(floats(raw[0]) == std::vector<float>(whole.begin(), whole.begin() + 8));
  check_tei_error(service.post("/embed", {{"inputs", "a"}, {"dimensions", 100000}}), 422,
                  "Validation", "dimensions");
  check_tei_error(service.post("/embed", {{"inputs", "a"}, {"dimensions", 0}}), 422, "Validation",
                  "dimensions");
}

TEST_CASE("/embed says what it computed in headers") {
  Service service({"embed"});
  const Reply reply = service.post("/embed", {{"inputs", {"A dog runs.", "s\u00fcn"}}});
  const Model model = test_model("embed");
  const std::size_t tokens = model.encode("A dog runs.").size() + model.encode("s\u00fcn").size();
  CHECK(reply.header("x-compute-tokens") == std::to_string(tokens));
  CHECK(reply.header("x-compute-characters") == "14");
  CHECK(reply.header("x-compute-type") == "cpu");
  for (const char* const name : {"x-compute-time", "x-total-time", "x-tokenization-time",
                                 "x-queue-time", "x-inference-time"}) {
    INFO(name);
    const std::string value = reply.header(name);
    CHECK_FALSE(value.empty());
    CHECK(value.find_first_not_of("0123456789") == std::string::npos);
  }
  CHECK_THAT(reply.header("server-timing"), StartsWith("tokenization;dur="));
  CHECK_THAT(reply.header("server-timing"), ContainsSubstring("total;dur="));
}

TEST_CASE("/embed_all gives a vector a token") {
  Service service({"embed"});
  const TextInput input{"A dog runs."};
  const auto wanted =
      embed(test_model("embed"), {&input, 1}, {.pooling = PoolingMode::none})[0].value();
  const Json found = answer_of(service.post("/embed_all", {{"inputs", "A dog runs."}}));
  REQUIRE(found.size() == 1);
  REQUIRE(found[0].size() == static_cast<std::size_t>(wanted.rows));
  std::vector<float> flat;
  for (const Json& row : found[0]) {
    for (const float value : floats(row)) flat.push_back(value);
  }
  CHECK(flat == wanted.values);
}

TEST_CASE("HOSTILE 47: texts over the model's length are cut, or refused where truncate is false") {
  Service service({"embed"});
  const std::string text = long_text();
  const Model model = test_model("embed");
  CHECK(floats(answer_of(service.post("/embed", {{"inputs", text}}))[0]) ==
        embedding_of(model, text));
  check_tei_error(service.post("/embed", {{"inputs", text}, {"truncate", false}}), 422,
                  "Validation", "tokens");
  std::string mixed = "first " + text;
  const Json left =
      answer_of(service.post("/embed", {{"inputs", mixed}, {"truncation_direction", "Left"}}));
  CHECK(floats(left[0]) ==
        embedding_of(model, mixed, {.normalize = true, .length = {.direction = Direction::left}}));
  check_tei_error(service.post("/embed", {{"inputs", "a"}, {"truncation_direction", "up"}}), 422,
                  "Validation", "truncation_direction");
  serve::AppOptions options = test_options({"embed"});
  options.auto_truncate = false;
  Service strict(options);
  check_tei_error(strict.post("/embed", {{"inputs", text}}), 422, "Validation", "tokens");
  answer_of(strict.post("/embed", {{"inputs", text}, {"truncate", true}}));
}

TEST_CASE("/embed takes token ids of its own tokenizer") {
  Service service({"embed"});
  const Model model = test_model("embed");
  const std::vector<std::int32_t> ids = model.encode("A dog runs.").ids;
  const std::vector<std::int32_t> bare(ids.begin() + 1, ids.end() - 1);
  const std::vector<float> wanted = embedding_of(model, "A dog runs.");
  CHECK(floats(answer_of(service.post("/embed", {{"inputs", ids}}))[0]) == wanted);
  const Json mixed =
      answer_of(service.post("/embed", {{"inputs", Json::array({bare, "A dog runs."})}}));
  REQUIRE(mixed.size() == 2);
  CHECK(floats(mixed[0]) == wanted);
  CHECK(floats(mixed[1]) == wanted);
  const std::vector<std::int32_t> many(2000, bare[0]);
  answer_of(service.post("/embed", {{"inputs", many}}));
  check_tei_error(service.post("/embed", {{"inputs", many}, {"truncate", false}}), 422,
                  "Validation", "token ids");
  check_tei_error(service.post("/embed", {{"inputs", {1, -1}}}), 422, "Validation", "inputs[1]");
}

TEST_CASE("/predict takes a text, a pair and a batch of both") {
  Service service({"sst2", "cross"});
  const Model sst2 = test_model("sst2");
  check_predictions(answer_of(service.post("/predict", {{"inputs", "a great film"}})),
                    predictions(sst2, {"a great film"}, {}));
  check_predictions(
      answer_of(service.post("/predict", {{"inputs", "a great film"}, {"raw_scores", true}})),
      predictions(sst2, {"a great film"}, ScoreFunction::none));
  const Model cross = test_model("cross");
  check_predictions(
      answer_of(service.post("/models/cross/predict", {{"inputs", {"where", "here"}}})),
      predictions(cross, {"where", "here"}, {}));
  const Json batch = answer_of(service.post(
      "/models/cross/predict", {{"inputs", {Json::array({"a"}), Json::array({"b", "c"})}}}));
  REQUIRE(batch.size() == 2);
  check_predictions(batch[0], predictions(cross, {"a"}, {}));
  check_predictions(batch[1], predictions(cross, {"b", "c"}, {}));
  check_tei_error(service.post("/predict", {{"inputs", {"a", "b", "c"}}}), 422, "Validation",
                  "one text or two");
  check_tei_error(service.post("/predict", {{"inputs", {Json::array({"a"}), "b"}}}), 422,
                  "Validation", "inputs[1]");
}

TEST_CASE("/rerank ranks by a cross-encoder, or by the angle between embeddings") {
  Service service({"cross", "embed", "sst2"});
  const std::vector<std::string_view> texts{"here and there", "nowhere", "a place"};
  for (const std::string name : {"cross", "embed"}) {
    const Ranking wanted = rerank(test_model(name), "where", texts).value();
    const Json found = answer_of(
        service.post("/models/" + name + "/rerank",
                     {{"query", "where"}, {"texts", texts}, {"return_text", name == "cross"}}));
    REQUIRE(found.size() == texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto index = static_cast<std::size_t>(wanted.texts[i].index);
      CHECK(found[i]["index"] == index);
      CHECK(found[i]["score"].get<float>() == wanted.texts[i].score);
      CHECK(found[i].contains("text") == (name == "cross"));
      if (name == "cross") CHECK(found[i]["text"] == texts[index]);
    }
  }
  const Ranking raw =
      rerank(test_model("cross"), "where", texts, {.scores = PairScore::raw}).value();
  const Json found = answer_of(
      service.post("/rerank", {{"query", "where"}, {"texts", texts}, {"raw_scores", true}}));
  CHECK(found[0]["score"].get<float>() == raw.texts[0].score);
  check_tei_error(service.post("/rerank", {{"query", "a"}, {"texts", Json::array()}}), 400, "Empty",
                  "`texts` cannot be empty");
  check_tei_error(service.post("/models/sst2/rerank", {{"query", "a"}, {"texts", {"b"}}}), 424,
                  "Backend", "cross-encoder");
  check_tei_error(service.post("/rerank", {{"texts", {"b"}}}), 422, "Validation", "query");
}

TEST_CASE("/similarity compares one text with others") {
  Service service({"embed", "sst2"});
  const std::vector<std::string_view> texts{"A dog runs.", "Stocks fell."};
  const Json found = answer_of(service.post(
      "/similarity",
      {{"inputs", {{"source_sentence", "A puppy is running."}, {"sentences", texts}}}}));
  const Ranking wanted = rerank(test_model("embed"), "A puppy is running.", texts).value();
  REQUIRE(found.size() == 2);
  for (const RankedText& each : wanted.texts) {
    CHECK(found[static_cast<std::size_t>(each.index)].get<float>() ==
          Approx(each.score).margin(1e-6));
  }
  CHECK(found[0].get<float>() > found[1].get<float>());
  check_tei_error(
      service.post("/similarity",
                   {{"inputs", {{"source_sentence", "a"}, {"sentences", Json::array()}}}}),
      400, "Empty", "inputs.sentences");
  check_tei_error(service.post("/models/sst2/similarity",
                               {{"inputs", {{"source_sentence", "a"}, {"sentences", {"b"}}}}}),
                  424, "Backend", "no embedding model");
}

TEST_CASE(
    "fields that cannot be honoured are refused by name, others of other servers are not read") {
  Service service({"embed", "sst2"});
  check_tei_error(service.post("/embed", {{"inputs", "a"}, {"prompt_name", "query"}}), 422,
                  "Validation", "prompt_name");
  const Json named{{"inputs", "a"}, {"prompt_name", "query"}};
  for (const char* const path :
       {"/embed", "/embed_all", "/tokenize", "/", "/models/sst2/predict", "/models/sst2"}) {
    check_tei_error(service.post(path, named), 422, "Validation", "prompt_name");
  }
  check_tei_error(
      service.post("/rerank", {{"query", "a"}, {"texts", {"b"}}, {"prompt_name", "query"}}), 422,
      "Validation", "prompt_name");
  check_tei_error(
      service.post("/similarity", {{"inputs", {{"source_sentence", "a"}, {"sentences", {"b"}}}},
                                   {"parameters", {{"prompt_name", "query"}}}}),
      422, "Validation", "prompt_name");
  check_tei_error(service.post("/embed_all", {{"inputs", "a"}, {"normalize", true}}), 422,
                  "Validation", "normalize");
  check_tei_error(service.post("/models/sst2/predict", {{"inputs", "a"}, {"return_text", true}}),
                  422, "Validation", "return_text");
  answer_of(service.post("/embed", {{"inputs", "a"}, {"prompt_name", nullptr}, {"other", 1}}));
}

TEST_CASE("/embed_sparse answers for a model that makes sparse vectors") {
  Service service({"router", "embed"});
  const Model model = test_model("router");
  for (const auto& [route, name] :
       {std::pair{Route::query, "query"}, {Route::document, "document"}}) {
    const TextInput input{"a tree drinks water"};
    const auto wanted = sparse_embed(model, {&input, 1}, {.route = route})[0].value().values;
    const Json found = answer_of(
        service.post("/embed_sparse", {{"inputs", {"a tree drinks water"}}, {"route", name}}));
    REQUIRE(found.size() == 1);
    REQUIRE(found[0].size() == wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      CHECK(found[0][i]["index"] == wanted[i].index);
      CHECK(found[0][i]["value"].get<float>() == Approx(wanted[i].value).margin(1e-6));
    }
  }
  CHECK(answer_of(service.get("/info"))["model_type"]["embedding"]["pooling"] == "splade");
  check_tei_error(service.post("/embed_sparse", {{"inputs", "a"}, {"route", "poem"}}), 422,
                  "Validation", "route");
  check_tei_error(service.post("/embed_sparse", {{"inputs", "a"}, {"dimensions", 3}}), 422,
                  "Validation", "dimensions");
  check_tei_error(service.post("/embed", {{"inputs", "a"}}), 424, "Backend", "no embedding model");
}

TEST_CASE("prompts that the model's files have are chosen by name") {
  Service service({"prompts"});
  const Model model = test_model("prompts");
  const auto vector = [&](const EmbedOptions& options) {
    const TextInput input{"a tree"};
    return embed(model, {&input, 1}, options)[0].value().values;
  };
  const auto same = [](const Json& found, const std::vector<float>& wanted) {
    REQUIRE(found.size() == wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      CHECK(found[i].get<float>() == Approx(wanted[i]).margin(1e-6));
    }
  };
  Json body{{"inputs", "a tree"}};
  same(answer_of(service.post("/embed", body))[0], vector({.prompt_name = "query"}));
  for (const char* name : {"query", "passage", "empty"}) {
    body["prompt_name"] = name;
    same(answer_of(service.post("/embed", body))[0], vector({.prompt_name = name}));
  }
  body["prompt_name"] = "passage";
  CHECK(answer_of(service.post("/embed_all", body))[0].size() >
        answer_of(service.post("/embed_all", {{"inputs", "a tree"}, {"prompt_name", "empty"}}))[0]
            .size());
  body["prompt_name"] = "poem";
  check_tei_error(service.post("/embed", body), 422, "Validation", "its prompts are");
  const Json pair{{"source_sentence", "a"}, {"sentences", {"tree"}}};
  answer_of(service.post("/similarity",
                         {{"inputs", pair}, {"parameters", {{"prompt_name", "passage"}}}}));

  const auto openai = [&](const char* type) {
    return answer_of(service.post("/v1/embeddings", {{"input", "a tree"}, {"input_type", type}}));
  };
  same(openai("search_query")["data"][0]["embedding"], vector({.prompt_name = "query"}));
  for (const char* type : {"search_document", "passage"}) {
    same(openai(type)["data"][0]["embedding"], vector({.prompt_name = "passage"}));
  }
  CHECK(service.post("/v1/embeddings", {{"input", "a"}, {"input_type", "classification"}}).status ==
        422);
}

TEST_CASE("a route that the model has no answer for is 424") {
  Service service({"sst2", "embed"});
  check_tei_error(service.post("/embed", {{"inputs", "a"}}), 424, "Backend", "no embedding model");
  check_tei_error(service.post("/models/embed/predict", {{"inputs", "a"}}), 424, "Backend",
                  "classify needs");
  check_tei_error(service.post("/embed_sparse", {{"inputs", "a"}}), 424, "Backend", "sparse");
}

TEST_CASE("HOSTILE 45: more texts or tokens than a request may have are 413") {
  serve::AppOptions options = test_options({"embed"});
  options.max_client_batch_size = 3;
  options.max_request_tokens = 40;
  Service service(options);
  check_tei_error(service.post("/embed", {{"inputs", {"a", "b", "c", "d"}}}), 413, "Validation",
                  "batch size 4 > maximum allowed batch size 3");
  answer_of(service.post("/embed", {{"inputs", {"a", "b", "c"}}}));
  check_tei_error(
      service.post("/similarity",
                   {{"inputs", {{"source_sentence", "a"}, {"sentences", {"b", "c", "d"}}}}}),
      413, "Validation", "batch size 4");
  std::string words;
  for (int i = 0; i < 60; ++i) words += "dog ";
  check_tei_error(service.post("/embed", {{"inputs", words}}), 413, "Validation", "40 tokens");
  check_tei_error(service.post("/tokenize", {{"inputs", words}}), 413, "Validation", "40 tokens");
}

}  // namespace
}  // namespace sapwood::test
