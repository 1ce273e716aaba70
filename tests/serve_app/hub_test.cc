// POST / : the model's own task, in the bodies of text-embeddings-inference and of huggingface_hub's client.
#include "catch.h"
#include "service.h"

namespace sapwood::test {
namespace {

TEST_CASE("POST / embeds, compares, predicts or ranks by the model's kind") {
  Service service({"embed", "sst2", "cross"});
  CHECK(answer_of(service.post("/", {{"inputs", {"A dog runs."}}})) ==
        answer_of(service.post("/embed", {{"inputs", {"A dog runs."}}})));
  const Json similar{{"inputs", {{"source_sentence", "a"}, {"sentences", {"b", "c"}}}}};
  CHECK(answer_of(service.post("/", similar)) == answer_of(service.post("/similarity", similar)));
  const Json text{{"inputs", "a great film"}};
  CHECK(answer_of(service.post("/models/sst2", text)) ==
        answer_of(service.post("/models/sst2/predict", text)));
  const Json ranked{{"query", "a"}, {"texts", {"b", "c"}}};
  CHECK(answer_of(service.post("/models/cross", ranked)) ==
        answer_of(service.post("/models/cross/rerank", ranked)));
}

TEST_CASE("POST / refuses parameters of embeddings that are not beside the inputs") {
  Service service({"embed"});
  answer_of(service.post("/", {{"inputs", "a"}, {"parameters", Json::object()}}));
  check_tei_error(service.post("/", {{"inputs", "a"}, {"parameters", {{"normalize", false}}}}), 422,
                  "Validation", "parameters.normalize");
  check_tei_error(service.post("/", {{"inputs", "a"}, {"parameters", {{"prompt_name", "query"}}}}),
                  422, "Validation", "parameters.prompt_name");
}

TEST_CASE("/vertex answers several requests of the model's own kind in one body") {
  Service service({"embed"});
  const Json instances = {{{"inputs", "a dog"}},
                          {{"inputs", {"a cat", "a dog"}}, {"normalize", false}},
                          {{"inputs", {{"source_sentence", "a"}, {"sentences", {"b", "c"}}}}}};
  const Json found = answer_of(service.post("/vertex", {{"instances", instances}}));
  REQUIRE(found["predictions"].size() == 3);
  CHECK(found.size() == 1);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(found["predictions"][i] == answer_of(service.post("/", instances[i])));
  }
  Service ranking({"cross"});
  const Json ranked{{"query", "a"}, {"texts", {"b", "c"}}};
  CHECK(answer_of(ranking.post("/vertex", {{"instances", {ranked, ranked}}}))["predictions"][1] ==
        answer_of(ranking.post("/rerank", ranked)));
  const auto refused = [&](const Json& body, int status, const std::string& type,
                           const std::string& part) {
    check_tei_error(service.post("/vertex", body), status, type, part);
  };
  refused({{"inputs", "a"}}, 422, "Validation", "instances");
  refused({{"instances", Json::array()}}, 400, "Empty", "instances");
  refused({{"instances", {1}}}, 422, "Validation", "instances[0]");
  refused({{"instances", {{{"inputs", "a"}}, {{"inputs", 1}}}}}, 422, "Validation",
          "instances[1].inputs");
  refused({{"instances", std::vector<Json>(33, {{"inputs", "a"}})}}, 413, "Validation", "33");
  refused({{"instances", std::vector<Json>(2, {{"inputs", std::vector<std::string>(17, "a")}})}},
          413, "Validation", "34");
}

TEST_CASE("text classification of the hub's client is a list in a list") {
  Service service({"sst2"});
  const TextInput input{"a great film"};
  const auto wanted = classify(test_model("sst2"), {&input, 1}, {.top_k = 0})[0].value();
  const Json found =
      answer_of(service.post("/", {{"inputs", "a great film"}, {"parameters", Json::object()}}));
  REQUIRE(found.size() == 1);
  REQUIRE(found[0].size() == wanted.labels.size());
  for (std::size_t i = 0; i < wanted.labels.size(); ++i) {
    CHECK(found[0][i]["label"] == wanted.labels[i].label);
    CHECK(found[0][i]["score"].get<float>() == wanted.labels[i].score);
  }
  const Json parameters{{"top_k", 1}, {"function_to_apply", "none"}};
  const Json best = answer_of(
      service.post("/", {{"inputs", {"a great film", "bad"}}, {"parameters", parameters}}));
  REQUIRE(best.size() == 2);
  CHECK(best[0].size() == 1);
  const auto raw =
      classify(test_model("sst2"), {&input, 1}, {.function = ScoreFunction::none})[0].value();
  CHECK(best[0][0]["score"].get<float>() == raw.labels[0].score);
  check_tei_error(
      service.post("/", {{"inputs", "a"}, {"parameters", {{"function_to_apply", "cube"}}}}), 422,
      "Validation", "cube");
  check_tei_error(service.post("/", {{"inputs", "a"}, {"parameters", {{"top_k", 0}}}}), 422,
                  "Validation", "top_k");
}

TEST_CASE("zero-shot classification of the hub's client is a flat list of its own labels") {
  Service service({"nli", "sst2"});
  const std::string_view text = "a great film";
  const ZeroShotOptions options{
      .labels = {"film", "wood"}, .hypothesis_template = "{}, is it?", .multi_label = true};
  const auto wanted = zero_shot(test_model("nli"), {&text, 1}, options)[0].value();
  const Json parameters{{"candidate_labels", options.labels},
                        {"hypothesis_template", options.hypothesis_template},
                        {"multi_label", true}};
  const Json found = answer_of(service.post("/", {{"inputs", text}, {"parameters", parameters}}));
  REQUIRE(found.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(found[i]["label"] == wanted.labels[i].label);
    CHECK(found[i]["score"].get<float>() == wanted.labels[i].score);
  }
  CHECK(answer_of(service.post("/", {{"inputs", {text, text}}, {"parameters", parameters}})) ==
        Json({found, found}));
  const auto refused = [&](const std::string& path, const Json& wrong, const std::string& says) {
    check_tei_error(service.post(path, {{"inputs", "a"}, {"parameters", wrong}}), 422, "Validation",
                    says);
  };
  refused("/", {{"candidate_labels", Json::array()}}, "labels");
  refused("/", {{"candidate_labels", {1}}}, "candidate_labels[0]");
  refused("/", {{"candidate_labels", {"a"}}, {"hypothesis_template", "none"}}, "place");
  refused("/", {{"candidate_labels", std::vector<std::string>(1001, "a")}}, "at most 1000 labels");
  refused("/",
          {{"candidate_labels", std::vector<std::string>(900, "a")},
           {"hypothesis_template", "{}" + std::string(2000, 'a')}},
          "hypothesis_template is long");
  const Reply other = service.post(
      "/models/sst2", {{"inputs", "a"}, {"parameters", {{"candidate_labels", {"a"}}}}});
  CHECK(other.status >= 400);
  CHECK(other.body.find("natural language inference") != std::string::npos);
}

TEST_CASE("token classification is a flat list of groups or tokens") {
  Service service({"ner"});
  const std::string text = "Angela Merkel lives in Berlin.";
  const std::string_view view = text;
  const Model model = test_model("ner");
  const auto groups = ner(model, {&view, 1}, {.aggregation = Aggregation::simple})[0].value();
  const Json found = answer_of(service.post("/", {{"inputs", text}}));
  REQUIRE_FALSE(groups.entities.empty());
  REQUIRE(found.size() == groups.entities.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    const Entity& wanted = groups.entities[i];
    CHECK(found[i]["entity_group"] == wanted.entity);
    CHECK(found[i]["score"].get<float>() == wanted.score);
    CHECK(found[i]["word"] == wanted.word);
    CHECK(found[i]["start"] == wanted.start);
    CHECK(found[i]["end"] == wanted.end);
    CHECK(found[i].size() == 5);
  }
  const Json parameters{{"aggregation_strategy", "none"}, {"ignore_labels", Json::array()}};
  const Json tokens = answer_of(service.post("/", {{"inputs", text}, {"parameters", parameters}}));
  const auto all = ner(model, {&view, 1}, {.ignore_labels = {}})[0].value();
  REQUIRE(tokens.size() == all.entities.size());
  CHECK(tokens[0]["entity"] == all.entities[0].entity);
  CHECK(tokens[0]["index"] == all.entities[0].index);
  CHECK(answer_of(service.post("/", {{"inputs", {text, text}}})) == Json({found, found}));
}

TEST_CASE("fill-mask is a flat list of fills, or a list for each mask") {
  Service service({"mlm"});
  const std::string text = "Paris is the [MASK] of France.";
  const std::string_view view = text;
  const auto wanted = fill_mask(test_model("mlm"), {&view, 1}, {.top_k = 3})[0].value();
  const Json found =
      answer_of(service.post("/", {{"inputs", text}, {"parameters", {{"top_k", 3}}}}));
  REQUIRE(found.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(found[i]["score"].get<float>() == wanted.masks[0][i].score);
    CHECK(found[i]["token"] == wanted.masks[0][i].token);
    CHECK(found[i]["token_str"] == wanted.masks[0][i].token_str);
    CHECK(found[i]["sequence"] == wanted.masks[0][i].sequence);
  }
  const Json two = answer_of(service.post("/", {{"inputs", "[MASK] is [MASK]."}}));
  CHECK(two.size() == 2);
  CHECK(two[0].size() == 5);
  check_tei_error(service.post("/", {{"inputs", "no mask"}}), 422, "Validation", "[MASK]");
  // The words of which alone the mask is filled, with their scores among all.
  const Json chosen = answer_of(service.post(
      "/", {{"inputs", text},
            {"parameters",
             {{"targets", {wanted.masks[0][2].token_str, wanted.masks[0][0].token_str}}}}}));
  REQUIRE(chosen.size() == 2);
  CHECK(chosen[0]["token"] == wanted.masks[0][0].token);
  CHECK(chosen[1]["token"] == wanted.masks[0][2].token);
  CHECK(chosen[1]["score"].get<float>() == wanted.masks[0][2].score);
  for (const Json& targets : {Json::array(), Json("capital"), Json::array({1})}) {
    check_tei_error(service.post("/", {{"inputs", text}, {"parameters", {{"targets", targets}}}}),
                    422, "Validation", "targets");
  }
}

TEST_CASE("question answering is one object") {
  Service service({"qa"});
  const QuestionInput input{"Where does he live?", "He lives in a small house by the sea."};
  const Json body{{"inputs", {{"question", input.question}, {"context", input.context}}}};
  const Model model = test_model("qa");
  const auto wanted = answer(model, {&input, 1})[0].value();
  const Json found = answer_of(service.post("/", body));
  REQUIRE(found.is_object());
  CHECK(found["answer"] == wanted[0].answer);
  CHECK(found["score"].get<float>() == wanted[0].score);
  CHECK(found["start"] == wanted[0].start);
  CHECK(found["end"] == wanted[0].end);
  Json several = body;
  several["parameters"] = {{"top_k", 3}};
  CHECK(answer_of(service.post("/", several)).size() ==
        answer(model, {&input, 1}, {.top_k = 3})[0].value().size());
  check_tei_error(service.post("/", {{"inputs", {{"question", "a"}}}}), 422, "Validation",
                  "context");
  check_tei_error(service.post("/", {{"inputs", "a"}}), 422, "Validation", "inputs");
}

}  // namespace
}  // namespace sapwood::test
