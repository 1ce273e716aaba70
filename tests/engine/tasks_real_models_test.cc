// Models with trained weights, and the authors' UltraFastBERT checkpoints, where they are at hand.
#include <algorithm>

#include "catch.h"
#include "tasks_golden.h"

namespace sapwood::test {
namespace {

struct Sentence {
  std::string_view text;
  std::string_view label;
};

// Written for this test; no model of the kind should get one wrong.
constexpr Sentence kSentences[] = {
    {"a wonderful , charming film with a lovely score .", "POSITIVE"},
    {"one of the best movies of the year , funny and moving .", "POSITIVE"},
    {"a terrible , boring mess that is a waste of time .", "NEGATIVE"},
    {"the acting is awful and the story is dull .", "NEGATIVE"},
};

void check_sentiment(const Model& model) {
  std::vector<TextInput> inputs;
  for (const Sentence& sentence : kSentences) inputs.push_back({sentence.text});
  const auto results = classify(model, inputs, {.top_k = 0});
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    INFO("text: " << inputs[i].text);
    const auto& labels = results[i].value().labels;
    REQUIRE(labels.size() == 2);
    CHECK(labels[0].label == kSentences[i].label);
    CHECK(labels[0].score > 0.9f);
    CHECK(labels[0].score + labels[1].score == Approx(1).epsilon(1e-6));
  }
}

TEST_CASE("the trained sentiment models tell good from bad") {
  for (const fs::path& folder : subdirectories(source_dir() / "models")) {
    if (!fs::exists(folder / "config.json")) continue;
    INFO("model: " << folder.filename());
    const Model model = Model::load(folder);
    if (model.config().head == HeadKind::sequence_classification) check_sentiment(model);
  }
  const auto shared = subdirectories(shared_dir() / "models");
  if (shared.empty()) skipped("../shared/models is not there");
  for (const fs::path& folder : shared) {
    for (const Isa isa : runnable_isas()) {
      INFO("model: " << folder.filename() << ", instruction set: " << to_string(isa));
      check_sentiment(Model::load(folder, {.isa = isa}));
    }
  }
}

void check_fills(const Model& model, const json& cases) {
  const Tokenizer& tokenizer = model.tokenizer();
  const std::int32_t mask = tokenizer.mask_id().value();
  int compared = 0;
  for (const json& expected : cases) {
    // The reference gives the logits of all tokens of its texts: compare those that are masks.
    const auto ids = expected.at("input_ids").get<std::vector<std::int32_t>>();
    if (std::find(ids.begin(), ids.end(), mask) == ids.end()) continue;
    const std::string_view text = expected.at("text").get_ref<const std::string&>();
    const auto result = fill_mask(model, {&text, 1}, {.top_k = 5});
    std::size_t next = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] != mask) continue;
      const auto& fills = result[0].value().masks.at(next++);
      const auto best = expected.at("mlm_top5_ids")[i].get<std::vector<std::int32_t>>();
      const auto logits = expected.at("mlm_top5_logits")[i].get<std::vector<double>>();
      for (std::size_t k = 0; k < best.size(); ++k) {
        ++compared;
        CHECK(fills[k].token == best[k]);
        CHECK(std::log(fills[k].score / fills[0].score) ==
              Approx(logits[k] - logits[0]).margin(2e-4));
      }
    }
  }
  CHECK(compared > 0);
}

void check_raw_logits(const Model& model, const json& cases) {
  for (const json& expected : cases) {
    const TextInput input = text_input(expected);
    const auto result = classify(model, {&input, 1}, {.top_k = 0, .function = ScoreFunction::none});
    const auto logits = expected.at("logits").get<std::vector<double>>();
    const auto& labels = result[0].value().labels;
    REQUIRE(labels.size() == logits.size());
    for (const LabelScore& label : labels) {
      const auto id =
          std::find(model.config().labels.begin(), model.config().labels.end(), label.label) -
          model.config().labels.begin();
      CHECK(std::abs(label.score - logits[static_cast<std::size_t>(id)]) <= 1e-4);
    }
    CHECK(labels[0].score == Approx(*std::max_element(logits.begin(), logits.end())).margin(1e-4));
  }
}

TEST_CASE("UltraFastBERT checkpoints answer tasks as the authors' code does") {
  const auto folders = subdirectories(shared_dir() / "data/golden/crammed");
  if (folders.empty()) skipped("../shared/data/golden/crammed is not there");
  for (const fs::path& folder : folders) {
    const json cases = read_json(folder / "expected.json");
    for (const Isa isa : runnable_isas()) {
      INFO("checkpoint: " << folder.filename() << ", instruction set: " << to_string(isa));
      const Model model = Model::load(folder, {.isa = isa});
      std::vector<TextInput> inputs;
      for (const json& expected : cases) inputs.push_back(text_input(expected));
      const auto embedded = embed(model, inputs, {.pooling = PoolingMode::none});
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        INFO("text: " << inputs[i].text);
        CHECK(embedded[i].value().ids == cases[i].at("input_ids").get<std::vector<std::int32_t>>());
        CHECK(max_difference(embedded[i].value().values, cases[i].at("last_hidden_state")) <= 1e-4);
      }
      if (model.config().head == HeadKind::masked_lm) check_fills(model, cases);
      if (model.config().head == HeadKind::sequence_classification) check_raw_logits(model, cases);
    }
  }
}

}  // namespace
}  // namespace sapwood::test
