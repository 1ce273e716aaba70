// answer against QuestionAnsweringPipeline of transformers 4.57.
#include "catch.h"
#include "tasks_golden.h"

namespace sapwood::test {
namespace {

AnswerOptions answer_options(const json& entry) {
  AnswerOptions options;
  options.top_k = entry.at("top_k");
  options.max_answer_length = entry.at("max_answer_len");
  options.max_seq_length = entry.at("max_seq_len").get<int>();
  options.stride = entry.at("doc_stride").get<int>();
  options.handle_impossible_answer = entry.at("handle_impossible_answer");
  return options;
}

TEST_CASE("answer finds what the pipeline finds", "[golden]") {
  for_each_golden("qa", [](const Model& model, const json& golden) {
    for (const json& entry : golden.at("qa")) {
      const QuestionInput input{entry.at("question").get_ref<const std::string&>(),
                                entry.at("context").get_ref<const std::string&>()};
      INFO("question: " << input.question << ", window: " << entry.at("max_seq_len")
                        << ", impossible: " << entry.at("handle_impossible_answer")
                        << ", top_k: " << entry.at("top_k"));
      const auto result = answer(model, {&input, 1}, answer_options(entry));
      const auto& found = result[0].value();
      const json& expected = entry.at("answers");
      REQUIRE(found.size() == expected.size());
      for (std::size_t i = 0; i < found.size(); ++i) {
        INFO("answer " << i << ": '" << found[i].answer << "', expected " << expected[i]);
        CHECK(found[i].answer == expected[i].at("answer").get<std::string>());
        CHECK(found[i].start == expected[i].at("start"));
        CHECK(found[i].end == expected[i].at("end"));
        CHECK(close(found[i].score, expected[i].at("score")));
      }
    }
  });
}

TEST_CASE("questions of one call are answered as each alone", "[golden]") {
  for_each_golden("qa", [](const Model& model, const json& golden) {
    std::vector<QuestionInput> inputs;
    for (const json& entry : golden.at("qa")) {
      inputs.push_back({entry.at("question").get_ref<const std::string&>(),
                        entry.at("context").get_ref<const std::string&>()});
    }
    const AnswerOptions options{.top_k = 4, .max_seq_length = 32, .stride = 8};
    const auto together = answer(model, inputs, options);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const auto alone = answer(model, {&inputs[i], 1}, options);
      const auto &a = together[i].value(), &b = alone[0].value();
      REQUIRE(a.size() == b.size());
      for (std::size_t k = 0; k < a.size(); ++k) {
        CHECK(a[k].answer == b[k].answer);
        CHECK(a[k].score == b[k].score);
      }
    }
  });
}

TEST_CASE("an empty or blank context has the empty answer", "[golden]") {
  for_each_golden("qa", [](const Model& model, const json&) {
    for (const std::string_view context : {"", "   "}) {
      // Byte-level tokenizers have tokens for blanks.
      const Tokenizer& tokenizer = model.tokenizer();
      if (tokenizer.encode(context).size() > tokenizer.encode("").size()) continue;
      const QuestionInput input{"Who?", context};
      const auto result = answer(model, {&input, 1});
      REQUIRE(result[0].value().size() == 1);
      CHECK(result[0].value()[0].answer.empty());
      CHECK(result[0].value()[0].score == 0.0f);
    }
  });
}

}  // namespace
}  // namespace sapwood::test
