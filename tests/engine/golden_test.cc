// The last hidden state and the logits against what transformers (tests/golden) and the authors'
// UltraFastBERT code (../shared/data/golden/crammed) answer, on every instruction set.
#include "golden.h"

#include "catch.h"
#include "sapwood/inspect.h"

namespace sapwood::test {
namespace {

constexpr double kTolerance = 1e-4;

void check_case(const Model& model, const json& expected) {
  const auto ids = expected.at("input_ids").get<std::vector<std::int32_t>>();
  std::vector<std::int32_t> types, selected;
  // A reference whose model has one type is not told of types.
  if (expected.contains("type_ids") && model.config().type_vocab > 1)
    types = expected.at("type_ids").get<std::vector<std::int32_t>>();
  if (expected.contains("masks")) {
    for (const json& mask : expected.at("masks")) selected.push_back(mask.at("position"));
  }
  const Sequence sequence{.ids = ids, .type_ids = types, .selected = selected};
  INFO("text: " << expected.at("text"));

  if (expected.contains("last_hidden_state")) {
    const auto hidden = run(model, {sequence}, Output::hidden)[0];
    CHECK(max_difference(hidden, expected.at("last_hidden_state")) <= kTolerance);
  }
  if (expected.contains("logits")) {
    const auto logits = run(model, {sequence}, Output::head)[0];
    CHECK(max_difference(logits, expected.at("logits")) <= kTolerance);
  }
  if (expected.contains("masks") && !selected.empty()) {
    const auto logits = run(model, {sequence}, Output::head)[0];
    const int vocabulary = model.config().vocab_size;
    for (std::size_t m = 0; m < selected.size(); ++m) {
      const float* row = logits.data() + m * vocabulary;
      const json& mask = expected.at("masks")[m];
      CHECK(std::max_element(row, row + vocabulary) - row == mask.at("ids")[0].get<int>());
      for (std::size_t k = 0; k < mask.at("ids").size(); ++k) {
        CHECK(std::abs(row[mask.at("ids")[k].get<int>()] - mask.at("logits")[k].get<double>()) <=
              kTolerance);
      }
    }
  }
}

TEST_CASE("golden checkpoints answer as transformers does", "[golden]") {
  const std::vector<fs::path> folders = subdirectories(golden_dir());
  REQUIRE(folders.size() >= 20);
  for (const Isa isa : runnable_isas()) {
    for (const fs::path& folder : folders) {
      INFO("checkpoint: " << folder.filename() << ", instruction set: " << to_string(isa));
      const Model model = Model::load(folder, {.isa = isa});
      CHECK(inspect(model).isa == to_string(isa));
      const json all = read_json(folder / "expected.json");
      REQUIRE(!all.at("cases").empty());
      for (const json& expected : all.at("cases")) check_case(model, expected);
    }
  }
}

TEST_CASE("UltraFastBERT checkpoints answer as the authors' code does", "[golden]") {
  const fs::path folder = shared_dir() / "data/golden/crammed";
  if (!fs::exists(folder)) return skipped(folder.string() + " is not there");
  for (const Isa isa : runnable_isas()) {
    for (const fs::path& checkpoint : subdirectories(folder)) {
      INFO("checkpoint: " << checkpoint.filename() << ", instruction set: " << to_string(isa));
      const Model model = Model::load(checkpoint, {.isa = isa});
      const json cases = read_json(checkpoint / "expected.json");
      REQUIRE(!cases.empty());
      for (const json& expected : cases) {
        check_case(model, expected);
        // The text gives the same ids, and every token's five best logits are the reference's.
        const std::string text = expected.at("text");
        CHECK(model.encode(text).ids == expected.at("input_ids").get<std::vector<std::int32_t>>());
        if (!expected.contains("mlm_top5_ids")) continue;
        const auto ids = expected.at("input_ids").get<std::vector<std::int32_t>>();
        std::vector<std::int32_t> all(ids.size());
        for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int32_t>(i);
        const auto logits = run(model, {{.ids = ids, .selected = all}}, Output::head)[0];
        const int vocabulary = model.config().vocab_size;
        double worst = 0;
        for (std::size_t i = 0; i < all.size(); ++i) {
          const float* row = logits.data() + i * vocabulary;
          const json& top = expected.at("mlm_top5_ids")[i];
          CHECK(std::max_element(row, row + vocabulary) - row == top[0].get<int>());
          for (std::size_t k = 0; k < top.size(); ++k) {
            worst = std::max(worst, std::abs(row[top[k].get<int>()] -
                                             expected.at("mlm_top5_logits")[i][k].get<double>()));
          }
        }
        CHECK(worst <= kTolerance);
      }
    }
  }
}

}  // namespace
}  // namespace sapwood::test
