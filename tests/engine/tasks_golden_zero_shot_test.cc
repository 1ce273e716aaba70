// zero_shot against ZeroShotClassificationPipeline, and its rules.
#include "catch.h"
#include "mutate.h"
#include "task_job_answers.h"
#include "tasks/zero_shot.h"
#include "tasks_golden.h"

namespace sapwood::test {
namespace {

ZeroShotOptions zero_shot_options(const json& entry) {
  return {.labels = entry.at("candidate_labels").get<std::vector<std::string>>(),
          .hypothesis_template = entry.at("hypothesis_template"),
          .multi_label = entry.at("multi_label")};
}

TEST_CASE("zero_shot answers as the pipeline does", "[golden]") {
  for_each_golden("zero_shot", [](const Model& model, const json& golden) {
    int cut = 0;
    for (const json& entry : golden.at("zero_shot")) {
      const std::string_view text = entry.at("text").get_ref<const std::string&>();
      ZeroShotOptions options = zero_shot_options(entry);
      INFO(model.path() << ": " << entry);
      const Classification found = zero_shot(model, {&text, 1}, options)[0].value();
      cut += found.truncated;
      const json& expected = entry.at("labels");
      REQUIRE(found.labels.size() == expected.size());
      for (std::size_t i = 0; i < found.labels.size(); ++i) {
        CHECK(found.labels[i].label == expected[i].at("label").get<std::string>());
        CHECK(close(found.labels[i].score, expected[i].at("score")));
        CHECK(options.labels.at(found.labels[i].id) == found.labels[i].label);
      }
      options.top_k = 1;
      const auto best = zero_shot(model, {&text, 1}, options)[0].value().labels;
      REQUIRE(best.size() == 1);
      CHECK(best[0].label == found.labels[0].label);
    }
    CHECK(cut > 0);
  });
}

TEST_CASE("a hypothesis template is read as str.format reads it", "[zero-shot]") {
  const auto of = [](std::string_view text) {
    return tasks::hypothesis_of(tasks::template_pieces(text), "x{}");
  };
  CHECK(of("This example is {}.") == "This example is x{}.");
  CHECK(of("{}") == "x{}");
  CHECK(of("{0} and {0}") == "x{} and x{}");
  CHECK(of("{{}} {} {{0}}") == "{} x{} {0}");
  for (const char* bad : {"", "no place", "{{}}", "{} {}", "{} {0}", "{0} {}", "{1}", "{label}",
                          "{:>3}", "{", "}", "{}}", "{{}", "{}{", "{0"}) {
    INFO(bad);
    try {
      tasks::template_pieces(bad);
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::invalid_argument);
      CHECK_THAT(error.what(), StartsWith("hypothesis_template") &&
                                   ContainsSubstring("write {} where the label goes"));
    }
  }
  try {
    tasks::template_pieces(std::string(1 << 20, 'a'));
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(std::string_view(error.what()).size() < 1000);
  }
}

TEST_CASE("zero-shot scores keep the order of the logits where they saturate", "[zero-shot]") {
  const std::vector<std::string> names = {"a", "b", "c"};
  const tasks::LabelLogits logits{{60, 80, 60}, {-40, -40, -40}};
  const auto order = [&](bool multi_label, int top_k) {
    std::string labels;
    for (const LabelScore& label : tasks::zero_shot_scores(logits, names, multi_label, top_k)) {
      labels += label.label;
      CHECK(label.score >= 0);
      CHECK(label.score <= 1);
    }
    return labels;
  };
  CHECK(order(true, 0) == "bac");
  CHECK(order(true, 2) == "ba");
  CHECK(order(false, 9) == "bac");
}

TEST_CASE("entailment is what the pipeline takes for it", "[zero-shot]") {
  const auto with_labels = [](const json& label2id, const json& id2label) {
    const TemporaryFolder folder;
    copy_model(golden_dir() / "bert-nli", folder.path(), [](auto&, auto&) {});
    edit_config(folder.path(), [&](json& config) {
      config["label2id"] = label2id;
      config["id2label"] = id2label;
    });
    return Model::load(folder.path()).config().entailment;
  };
  const json unnamed = {{"0", "LABEL_0"}, {"1", "LABEL_1"}};
  CHECK(with_labels({{"no", 0}, {"ENTAILS", 1}}, unnamed) == 1);
  CHECK(with_labels({{"no", 1}, {"Entailment", 0}}, unnamed) == 0);
  // What label2id does not say, id2label may.
  CHECK(with_labels({{"LABEL_0", 0}, {"LABEL_1", 1}}, {{"0", "no"}, {"1", "entailment"}}) == 1);
  CHECK(with_labels(nullptr, {{"0", "entailment"}, {"1", "not_entailment"}}) == 0);
  CHECK_FALSE(with_labels({{"not_entailment", 0}, {"entai", 1}}, unnamed));
  CHECK_FALSE(with_labels({{"entailment", -1}, {"entail", 0.5}, {"entails", "1"}}, unnamed));
  CHECK_FALSE(with_labels(json::array({1}), unnamed));
}

TEST_CASE("what zero_shot cannot do is refused", "[zero-shot]") {
  const std::string_view text = "a film";
  const auto refused = [&](const Model& model, const ZeroShotOptions& options, ErrorCode code,
                           const std::string& says) {
    try {
      zero_shot(model, {&text, 1}, options);
      FAIL("accepted, expected an error that says " << says);
    } catch (const Error& error) {
      CHECK(error.code() == code);
      CHECK_THAT(error.what(), ContainsSubstring(says));
    }
  };
  const Model nli = Model::load(golden_dir() / "bert-nli");
  refused(nli, {}, ErrorCode::invalid_argument, "labels: expected at least one");
  refused(nli, {.labels = {"a"}, .hypothesis_template = "none"}, ErrorCode::invalid_argument,
          "no place");
  refused(nli, {.labels = {"a"}, .top_k = -1}, ErrorCode::invalid_argument, "top_k");
  refused(model_of(kClassifier), {.labels = {"a"}}, ErrorCode::unsupported,
          "natural language inference");
  refused(model_of(kTagger), {.labels = {"a"}}, ErrorCode::unsupported,
          "sequence_classification head");
  const TemporaryFolder folder;
  copy_model(golden_dir() / "bert-nli", folder.path(), [](auto&, auto&) {});
  edit_config(folder.path(), [](json& config) { config["label2id"] = {{"entailment", 7}}; });
  refused(Model::load(folder.path()), {.labels = {"a"}}, ErrorCode::mismatch,
          "entailment has the id 7, but the head has 2 labels");

  // A text's own error leaves the others alone, and a label that is no text or too long is every text's.
  const std::vector<std::string_view> texts = {"a film", "\xFF", ""};
  const auto results = zero_shot(nli, texts, {.labels = {"film", "wood"}});
  CHECK(results[0].has_value());
  CHECK(results[1].error().code() == ErrorCode::invalid_utf8);
  CHECK(results[2].value().labels.size() == 2);
  std::string many;
  for (int i = 0; i < 80; ++i) many += "wood ";
  const auto too_long = zero_shot(nli, {&text, 1}, {.labels = {"film", many}});
  CHECK(too_long[0].error().code() == ErrorCode::too_long);
  CHECK_THAT(too_long[0].error().what(),
             ContainsSubstring("the hypothesis of the label 'wood wood") &&
                 ContainsSubstring("the two texts have") && ContainsSubstring("shorten the label"));
  CHECK(zero_shot(nli, {&text, 1}, {.labels = {"\x80"}})[0].error().code() ==
        ErrorCode::invalid_utf8);
}

TEST_CASE("a zero-shot job has a window for each label", "[zero-shot][task job]") {
  const Model& model = model_of("bert-nli");
  const ZeroShotOptions options = {.labels = {"film", "a tree", "film"}, .multi_label = true};
  const auto task = zero_shot_task(model, options);
  const std::string_view text = "charming";
  const std::string expected = text_of(zero_shot(model, {&text, 1}, options)[0]);
  EncodeScratch scratch;
  auto job = task->job(text, scratch);
  REQUIRE(job.has_value());
  CHECK(job.value()->windows().size() == 3);
  CHECK(text_of(answer_backwards(model, *job.value())) == expected);
  std::vector<Encoding> windows;
  for (const std::string& label : options.labels) {
    windows.push_back(model.encode(text, "This example is " + label + "."));
  }
  job = task->job(text, windows);
  REQUIRE(job.has_value());
  CHECK(text_of(answer_backwards(model, *job.value())) == expected);
  windows.pop_back();
  CHECK(task->job(text, windows).error().code() == ErrorCode::invalid_argument);

  const std::vector<std::string_view> texts = views();
  CHECK(texts_of(zero_shot(model_of("bert-nli", 3), texts, options)) ==
        texts_of(zero_shot(model, texts, options)));
}

TEST_CASE("two labels without names rerank by the softmax of the second", "[rerank]") {
  const TemporaryFolder folder;
  const fs::path model = folder.path() / "model";
  copy_model(golden_dir() / "bert-nli", model, [](auto&, auto&) {});
  const std::vector<std::string_view> texts = {"a tree", "water", "the film is bad"};
  CHECK_THROWS_AS(rerank(Model::load(model), "water", texts),
                  Error);  // its labels mean other things
  edit_config(model, [](json& config) {
    config.erase("id2label");
    config.erase("label2id");
  });
  const Model reranker = Model::load(model);
  std::vector<TextInput> pairs;
  for (const std::string_view text : texts) pairs.push_back({"water", text});
  const auto logits = classify(reranker, pairs, {.top_k = 0, .function = ScoreFunction::none});
  for (const bool raw : {false, true}) {
    const PairScore scores = raw ? PairScore::raw : PairScore::sigmoid;
    const Ranking ranking = rerank(reranker, "water", texts, {.scores = scores}).value();
    REQUIRE(ranking.texts.size() == texts.size());
    float last = HUGE_VALF;
    for (const RankedText& ranked : ranking.texts) {
      float of[2] = {};
      for (const LabelScore& label : logits.at(ranked.index).value().labels)
        of[label.id] = label.score;
      const float difference = of[1] - of[0];
      CHECK(ranked.score ==
            Approx(raw ? difference : 1 / (1 + std::exp(-difference))).epsilon(1e-5));
      CHECK(difference <= last);
      last = difference;
    }
  }
}

}  // namespace
}  // namespace sapwood::test
