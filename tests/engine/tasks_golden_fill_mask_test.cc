// fill_mask against FillMaskPipeline.
#include "catch.h"
#include "tasks_golden.h"

namespace sapwood::test {
namespace {

TEST_CASE("fill_mask answers as the pipeline does", "[golden]") {
  for_each_golden("fill_mask", [](const Model& model, const json& golden) {
    std::vector<std::string_view> texts;
    for (const json& entry : golden.at("fill_mask")) {
      texts.push_back(entry.at("text").get_ref<const std::string&>());
    }
    const auto results = fill_mask(model, texts, {.top_k = 5});
    REQUIRE(results.size() == texts.size());
    for (std::size_t t = 0; t < texts.size(); ++t) {
      INFO("text: " << texts[t]);
      // The pipeline gives one mask's list without a list around it.
      json expected = golden.at("fill_mask")[t].at("masks");
      if (expected[0].is_object()) expected = json::array({expected});
      const auto& masks = results[t].value().masks;
      REQUIRE(masks.size() == expected.size());
      for (std::size_t m = 0; m < masks.size(); ++m) {
        REQUIRE(masks[m].size() == expected[m].size());
        for (std::size_t k = 0; k < masks[m].size(); ++k) {
          const MaskFill& found = masks[m][k];
          const json& fill = expected[m][k];
          INFO("mask " << m << ", fill " << k << ", expected " << fill);
          CHECK(found.token == fill.at("token"));
          CHECK(found.token_str == fill.at("token_str").get<std::string>());
          CHECK(found.sequence == fill.at("sequence").get<std::string>());
          CHECK(close(found.score, fill.at("score")));
        }
      }
    }
  });
}

TEST_CASE("more fills than the vocabulary has are all of it, and they sum to one", "[golden]") {
  for_each_golden("fill_mask", [](const Model& model, const json& golden) {
    // Each family's mask token has its own spelling.
    const std::string_view text =
        golden.at("fill_mask")[0].at("text").get_ref<const std::string&>();
    const auto result = fill_mask(model, {&text, 1}, {.top_k = 1 << 30});
    const auto& fills = result[0].value().masks.at(0);
    CHECK(static_cast<int>(fills.size()) == model.config().vocab_size);
    double sum = 0;
    for (const MaskFill& fill : fills) sum += fill.score;
    CHECK(sum == Approx(1).epsilon(1e-5));
  });
}

}  // namespace
}  // namespace sapwood::test
