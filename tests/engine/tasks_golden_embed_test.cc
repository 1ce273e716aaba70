// embed against sentence-transformers' formulas, and rerank by embedding.
#include <map>

#include "catch.h"
#include "tasks_golden.h"

namespace sapwood::test {
namespace {

constexpr double kHiddenTolerance = 1e-4;

EmbedOptions embed_options(const json& entry) {
  static const std::map<std::string, PoolingMode> modes = {
      {"mean", PoolingMode::mean}, {"cls", PoolingMode::cls}, {"max", PoolingMode::max}};
  EmbedOptions options;
  options.pooling = modes.at(entry.at("pooling"));
  options.normalize = entry.at("normalize").get<bool>();
  return options;
}

TEST_CASE("embed answers as sentence-transformers does", "[golden]") {
  for_each_golden("embed", [](const Model& model, const json& golden) {
    for (const json& entry : golden.at("embed")) {
      const TextInput input = text_input(entry);
      INFO("pooling: " << entry.at("pooling") << ", normalize: " << entry.at("normalize")
                       << ", text: " << input.text);
      const auto result = embed(model, {&input, 1}, embed_options(entry));
      const Embedding& found = result[0].value();
      CHECK(found.rows == 1);
      CHECK(found.dim == model.config().hidden);
      CHECK(max_difference(found.values, entry.at("embedding")) <= kHiddenTolerance);
      if (model.config().sentence) {  // the directory says how: no options needed
        const auto by_default = embed(model, {&input, 1});
        CHECK(by_default[0].value().values == found.values);
      }
    }
  });
}

TEST_CASE("pooling none gives the last hidden state of every token", "[golden]") {
  for_each_golden("embed", [](const Model& model, const json& golden) {
    for (const json& entry : golden.at("cases")) {
      const TextInput input = text_input(entry);
      const auto result = embed(model, {&input, 1}, {.pooling = PoolingMode::none});
      const Embedding& found = result[0].value();
      CHECK(found.ids == entry.at("input_ids").get<std::vector<std::int32_t>>());
      CHECK(found.rows == static_cast<int>(found.ids.size()));
      if (entry.contains("last_hidden_state")) {
        CHECK(max_difference(found.values, entry.at("last_hidden_state")) <= kHiddenTolerance);
      }
    }
  });
}

TEST_CASE("rerank by embedding puts the query's own text first", "[golden]") {
  for_each_golden("embed", [](const Model& model, const json& golden) {
    std::vector<std::string_view> texts;
    for (const json& entry : golden.at("cases")) {
      if (!entry.contains("text_pair")) texts.push_back(text_input(entry).text);
    }
    const auto result = rerank(model, texts[2], texts);
    const auto& ranking = result.value().texts;
    REQUIRE(ranking.size() == texts.size());
    CHECK(ranking[0].index == 2);
    CHECK(std::abs(ranking[0].score - 1) < 1e-6);
    for (std::size_t i = 1; i < ranking.size(); ++i) {
      CHECK(ranking[i].score <= ranking[i - 1].score);
    }
  });
}

}  // namespace
}  // namespace sapwood::test
