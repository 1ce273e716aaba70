// classify and rerank against transformers.
#include <algorithm>
#include <cstring>
#include <map>

#include "catch.h"
#include "mutate.h"
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
        const auto result =
            rerank(model, query, views, {.scores = raw ? PairScore::raw : PairScore::sigmoid});
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

// Logits of 17 and more, which trained cross-encoders give, have a sigmoid of 1 in float32.
TEST_CASE("rerank keeps the order of the logits where the sigmoid saturates", "[rerank]") {
  const fs::path directory = golden_dir() / "bert-cross-encoder";
  std::vector<std::string_view> texts = {"a tree", "water", "the film is bad", "two trees"};
  const auto order = [&](const Model& model, bool raw) {
    const Ranking ranking = rerank(model, "water in trees", texts,
                                   {.scores = raw ? PairScore::raw : PairScore::sigmoid})
                                .value();
    std::vector<int> indices;
    for (const RankedText& text : ranking.texts) indices.push_back(text.index);
    return std::pair(indices, ranking.texts.front().score);
  };
  // The worst text first.
  std::vector<std::string_view> worst_first;
  for (const int i : order(Model::load(directory), true).first) {
    worst_first.insert(worst_first.begin(), texts[static_cast<std::size_t>(i)]);
  }
  texts = worst_first;
  const std::vector<int> expected = {3, 2, 1, 0};
  for (const auto& [bias, score] : {std::pair(22.0f, 1.0f), std::pair(-110.0f, 0.0f)}) {
    INFO("bias " << bias);
    const TemporaryFolder folder;
    copy_model(directory, folder.path() / "model", [bias = bias](auto& tensors, auto&) {
      std::memcpy(find(tensors, "classifier.bias").bytes.data(), &bias, sizeof(bias));
    });
    const Model model = Model::load(folder.path() / "model");
    CHECK(order(model, false) == std::pair(expected, score));
    CHECK(order(model, true).first == expected);
  }
}

}  // namespace
}  // namespace sapwood::test
