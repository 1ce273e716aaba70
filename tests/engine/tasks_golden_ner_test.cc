// ner against TokenClassificationPipeline, with and without windows.
#include <map>

#include "catch.h"
#include "tasks_golden.h"

namespace sapwood::test {
namespace {

NerOptions ner_options(const json& entry) {
  static const std::map<std::string, Aggregation> strategies = {{"none", Aggregation::none},
                                                                {"simple", Aggregation::simple},
                                                                {"first", Aggregation::first},
                                                                {"average", Aggregation::average},
                                                                {"max", Aggregation::max}};
  NerOptions options;
  options.aggregation = strategies.at(entry.at("aggregation_strategy"));
  options.stride = entry.value("stride", 0);
  if (entry.contains("max_length")) options.length.max_length = entry.at("max_length").get<int>();
  if (entry.contains("ignore_labels")) {
    options.ignore_labels = entry.at("ignore_labels").get<std::vector<std::string>>();
  }
  return options;
}

void check_entities(const std::vector<Entity>& found, const json& expected, bool aggregated) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    INFO("entity " << i << ": " << found[i].entity << " " << found[i].word << ", expected "
                   << expected[i]);
    const json& label = expected[i].at(aggregated ? "entity_group" : "entity");
    CHECK(found[i].entity == label.get<std::string>());
    CHECK(found[i].word == expected[i].at("word").get<std::string>());
    CHECK(found[i].start == expected[i].at("start"));
    CHECK(found[i].end == expected[i].at("end"));
    CHECK(close(found[i].score, expected[i].at("score")));
    CHECK(found[i].index == (aggregated ? -1 : expected[i].at("index").get<int>()));
  }
}

TEST_CASE("ner answers as the pipeline does", "[golden]") {
  for_each_golden("ner", [](const Model& model, const json& golden) {
    for (const json& entry : golden.at("ner")) {
      const std::string_view text = entry.at("text").get_ref<const std::string&>();
      const NerOptions options = ner_options(entry);
      INFO("strategy: " << entry.at("aggregation_strategy") << ", stride: " << options.stride
                        << ", text: " << text);
      const auto result = ner(model, {&text, 1}, options);
      check_entities(result[0].value().entities, entry.at("entities"),
                     options.aggregation != Aggregation::none);
      if (entry.contains("max_length")) {
        CHECK(result[0].value().truncated == (options.stride == 0));
      }
    }
  });
}

TEST_CASE("texts of one ner call are answered as each alone", "[golden]") {
  for_each_golden("ner", [](const Model& model, const json& golden) {
    std::vector<std::string_view> texts;
    for (const json& entry : golden.at("ner")) {
      texts.push_back(entry.at("text").get_ref<const std::string&>());
    }
    for (const Aggregation aggregation : {Aggregation::none, Aggregation::first}) {
      NerOptions options;
      options.aggregation = aggregation;
      options.stride = 5;
      options.length.max_length = 20;
      const auto together = ner(model, texts, options);
      for (std::size_t i = 0; i < texts.size(); ++i) {
        const auto alone = ner(model, {&texts[i], 1}, options);
        const auto& a = together[i].value().entities;
        const auto& b = alone[0].value().entities;
        REQUIRE(a.size() == b.size());
        for (std::size_t k = 0; k < a.size(); ++k) {
          CHECK(a[k].word == b[k].word);
          CHECK(a[k].score == b[k].score);
          CHECK(a[k].index == b[k].index);
        }
      }
    }
  });
}

TEST_CASE("windows without aggregation give each token of the text once", "[golden]") {
  for_each_golden("ner", [](const Model& model, const json& golden) {
    const json& longest = *std::max_element(
        golden.at("ner").begin(), golden.at("ner").end(), [](const json& a, const json& b) {
          return a.at("text").get_ref<const std::string&>().size() <
                 b.at("text").get_ref<const std::string&>().size();
        });
    const std::string_view text = longest.at("text").get_ref<const std::string&>();
    const Encoding whole = model.tokenizer().encode(text);
    REQUIRE(whole.size() > 24);
    for (const Direction direction : {Direction::right, Direction::left}) {
      NerOptions options;
      options.ignore_labels = {};
      options.stride = 6;
      options.length.max_length = 24;
      options.length.direction = direction;
      const auto result = ner(model, {&text, 1}, options);
      const auto& entities = result[0].value().entities;
      CHECK_FALSE(result[0].value().truncated);
      REQUIRE(entities.size() == whole.size() - 2);  // [CLS] and [SEP]
      for (std::size_t i = 0; i < entities.size(); ++i) {
        CHECK(entities[i].index == static_cast<int>(i) + 1);
        CHECK(entities[i].start == whole.offsets[i + 1].start);
        CHECK(entities[i].end == whole.offsets[i + 1].end);
      }
    }
  });
}

}  // namespace
}  // namespace sapwood::test
