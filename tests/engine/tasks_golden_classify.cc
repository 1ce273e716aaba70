// classify and rerank against transformers.
#include <map>

#include "catch.h"
#include "tasks_golden.h"

namespace sapwood::test {
namespace {

std::optional<ScoreFunction> function_of(const json& name) {
  static const std::map<std::string, ScoreFunction> functions = {
      {"softmax", ScoreFunction::softmax},
      {"sigmoid", ScoreFunction::sigmoid},
      {"none", ScoreFunction::none}};
  if (name.is_null()) return std::nullopt;
  return functions.at(name.get<std::string>());
}

// Labels in order with their scores; `found` may be shorter than `expected`.
void check_labels(const std::vector<LabelScore>& found, const json& expected) {
  for (std::size_t i = 0; i < found.size(); ++i) {
    INFO("label " << i << ": " << found[i].label << " " << found[i].score << ", expected "
                  << expected[i]);
    CHECK(found[i].label == expected[i].at("label").get<std::string>());
    CHECK(close(found[i].score, expected[i].at("score")));
  }
}

TEST_CASE("classify answers as the pipeline does", "[golden]") {
  for_each_golden("classify", [](const Model& model, const json& golden) {
    // Entries with one function in one call: their texts are computed together.
    for (const json& name : {json(), json("softmax"), json("sigmoid"), json("none")}) {
      std::vector<const json*> entries;
      std::vector<TextInput> inputs;
      for (const json& entry : golden.at("classify")) {
        if (entry.at("function_to_apply") != name) continue;
        entries.push_back(&entry);
        inputs.push_back(text_input(entry));
      }
      REQUIRE_FALSE(inputs.empty());
      const auto all = classify(model, inputs, {.top_k = 0, .function = function_of(name)});
      const auto best = classify(model, inputs, {.function = function_of(name)});
      REQUIRE(all.size() == inputs.size());
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        INFO("function: " << name << ", text: " << inputs[i].text);
        const json& labels = entries[i]->at("labels");
        REQUIRE(all[i].has_value());
        REQUIRE(all[i].value().labels.size() == labels.size());
        check_labels(all[i].value().labels, labels);
        REQUIRE(best[i].value().labels.size() == 1);
        check_labels(best[i].value().labels, labels);
      }
    }
  });
}

TEST_CASE("rerank by cross-encoder orders and scores as the reference does", "[golden]") {
  for_each_golden("rerank", [](const Model& model, const json& golden) {
    for (const json& entry : golden.at("rerank")) {
      const auto texts = entry.at("texts").get<std::vector<std::string>>();
      const std::vector<std::string_view> views(texts.begin(), texts.end());
      const auto& query = entry.at("query").get_ref<const std::string&>();
      for (const bool raw : {false, true}) {
        const auto result = rerank(model, query, views, {.raw_scores = raw});
        const auto& ranking = result.value().texts;
        const json& expected = entry.at("ranking");
        REQUIRE(ranking.size() == expected.size());
        for (std::size_t i = 0; i < ranking.size(); ++i) {
          CHECK(ranking[i].index == expected[i].at("index"));
          CHECK(close(ranking[i].score, expected[i].at(raw ? "raw_score" : "score")));
        }
      }
    }
  });
}

}  // namespace
}  // namespace sapwood::test
