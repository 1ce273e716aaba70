// The tasks of loaded models while allocations fail.
#include "catch.h"
#include "operations.h"

namespace sapwood::test {
namespace {

// The model's first run is made by the operation.
void check_task(const char* name, const std::function<std::string(const Model&)>& task) {
  const Model model = Model::load(golden_dir() / name, load_options());
  check_every_allocation({[&] { return task(model); }});
}

template <class T>
const T& value_of(const Result<T>& result) {
  if (!result.has_value()) throw result.error();
  return result.value();
}

const std::string_view kTexts[] = {
    "Ada Lovelace lived in London.", "two trees and a river",
    "one long text, which is cut or read in windows: water, water, water, water, water, water, "
    "water, water, water, water, water, water, water, water, water, water, water, water, water"};

TEST_CASE("embed") {
  for (const char* name : {"st-bert-mean", "distilbert-base", "../sentence/dense-chain",
                           "../sentence/prompts-not-pooled"}) {
    check_task(name, [](const Model& model) {
      std::string answer;
      const TextInput inputs[] = {{kTexts[0]}, {kTexts[1]}, {kTexts[2]}};
      for (const auto& result : embed(model, inputs)) {
        for (const float value : value_of(result).values) append(answer, value);
      }
      return answer;
    });
  }
}

TEST_CASE("sparse vectors, and those of tokens") {
  for (const Route route : {Route::query, Route::document}) {
    check_task("../sentence/sparse-router", [&](const Model& model) {
      std::string answer;
      const TextInput inputs[] = {{kTexts[0]}, {kTexts[1]}};
      for (const auto& result : sparse_embed(model, inputs, {.route = route})) {
        for (const SparseValue& each : value_of(result).values) append(answer, each.value);
      }
      return answer;
    });
  }
  check_task("../sentence/token-vectors", [](const Model& model) {
    std::string answer;
    const EmbedOptions options{.pooling = PoolingMode::none};
    const TextInput inputs[] = {{kTexts[0]}};
    for (const auto& result : embed(model, inputs, options)) {
      for (const float value : value_of(result).values) append(answer, value);
    }
    return answer + std::to_string(embedding_size(model, options));
  });
}

TEST_CASE("classify") {
  check_task("bert-pair-bf16", [](const Model& model) {
    std::string answer;
    const TextInput inputs[] = {{kTexts[0], kTexts[1]}, {kTexts[2], kTexts[1]}};
    for (const auto& result : classify(model, inputs, {.top_k = 0})) {
      for (const LabelScore& label : value_of(result).labels) {
        answer += label.label;
        append(answer, label.score);
      }
    }
    return answer;
  });
}

TEST_CASE("ner") {
  for (const int stride : {0, 4}) {
    for (const Aggregation aggregation :
         {Aggregation::none, Aggregation::simple, Aggregation::max}) {
      NerOptions options;
      options.aggregation = aggregation;
      options.stride = stride;
      options.ignore_labels = {};
      check_task("distilbert-ner-cased", [&](const Model& model) {
        std::string answer;
        for (const auto& result : ner(model, kTexts, options)) {
          for (const Entity& entity : value_of(result).entities) {
            answer += entity.entity + entity.word + std::to_string(entity.start);
            append(answer, entity.score);
          }
        }
        return answer;
      });
    }
  }
}

TEST_CASE("zero-shot classification") {
  check_task("bert-nli", [](const Model& model) {
    std::string answer;
    const std::string_view texts[] = {kTexts[0], kTexts[2]};
    for (const auto& result : zero_shot(model, texts, {.labels = {"a film", "a tree"}})) {
      for (const LabelScore& label : value_of(result).labels) {
        answer += label.label;
        append(answer, label.score);
      }
    }
    return answer;
  });
}

TEST_CASE("fill-mask") {
  check_task("distilbert-mlm", [](const Model& model) {
    std::string answer;
    const std::string_view texts[] = {"the [MASK] is [MASK] .", "a [MASK]"};
    for (const auto& result : fill_mask(model, texts)) {
      for (const auto& mask : value_of(result).masks) {
        for (const MaskFill& fill : mask) {
          answer += fill.token_str + fill.sequence;
          append(answer, fill.score);
        }
      }
    }
    return answer;
  });
}

TEST_CASE("answer") {
  AnswerOptions options;
  options.top_k = 3;
  options.max_seq_length = 24;
  options.stride = 4;
  check_task("distilbert-qa", [&](const Model& model) {
    std::string answers;
    const QuestionInput inputs[] = {{"where?", kTexts[0]}, {"what?", kTexts[2]}};
    for (const auto& result : answer(model, inputs, options)) {
      for (const Answer& found : value_of(result)) {
        answers += found.answer + std::to_string(found.start);
        append(answers, found.score);
      }
    }
    return answers;
  });
}

TEST_CASE("rerank") {
  for (const char* name :
       {"bert-cross-encoder", "st-distilbert-max", "../sentence/similarity-dot"}) {
    check_task(name, [](const Model& model) {
      std::string answer;
      const auto result = rerank(model, "water", kTexts);
      for (const RankedText& text : value_of(result).texts) {
        answer += std::to_string(text.index);
        append(answer, text.score);
      }
      return answer;
    });
  }
}

TEST_CASE("inputs that cannot be answered") {
  check_task("distilbert-base", [](const Model& model) {
    const TextInput inputs[] = {{"\xff"}, {kTexts[0]}};
    const auto results = embed(model, inputs);
    // The error of an input is a value; out of memory is nobody's.
    if (results[0].error().code() == ErrorCode::out_of_memory) throw results[0].error();
    return std::string(results[0].error().what()) + std::to_string(value_of(results[1]).dim);
  });
}

}  // namespace
}  // namespace sapwood::test
