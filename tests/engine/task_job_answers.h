// Models, and answers as text, for the tests of tasks as objects.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <thread>

#include "catch.h"
#include "golden.h"
#include "run/parallel_for.h"
#include "sapwood/session.h"
#include "sapwood/task_job.h"

namespace sapwood::test {

using namespace std::string_view_literals;

inline const Model& model_of(const std::string& name, int threads = 1, int batch_tokens = 4096) {
  static std::map<std::tuple<std::string, int, int>, Model> models;
  const auto key = std::tuple(name, threads, batch_tokens);
  if (const auto it = models.find(key); it != models.end()) return it->second;
  return models
      .emplace(key,
               Model::load(golden_dir() / name, {.threads = threads, .batch_tokens = batch_tokens}))
      .first->second;
}

inline const char* const kClassifier = "distilbert-sentiment-f16";
inline const char* const kTagger = "distilbert-ner-cased";
inline const char* const kReader = "bert-qa";
inline const char* const kMasked = "bert-mlm-bin";

// --- answers as text, floats by their bits

inline std::string bits(float value) {
  std::uint32_t word = 0;
  std::memcpy(&word, &value, sizeof word);
  return std::to_string(word) + " ";
}
inline std::string text_of(const Classification& value) {
  std::string text = value.truncated ? "cut " : "";
  for (const LabelScore& label : value.labels) {
    text += label.label + " " + std::to_string(label.id) + " " + bits(label.score);
  }
  return text;
}
inline std::string text_of(const Entities& value) {
  std::string text = value.truncated ? "cut " : "";
  for (const Entity& e : value.entities) {
    text += e.entity + " " + e.word + " " + std::to_string(e.index) + " " +
            std::to_string(e.start) + "-" + std::to_string(e.end) + " " +
            std::to_string(e.label_id) + " " + bits(e.score);
  }
  return text;
}
inline std::string text_of(const Embedding& value) {
  std::string text = std::to_string(value.rows) + "x" + std::to_string(value.dim) + " ";
  if (value.truncated) text += "cut ";
  for (const std::int32_t id : value.ids) text += std::to_string(id) + " ";
  for (const float number : value.values) text += bits(number);
  return text;
}
inline std::string text_of(const MaskFills& value) {
  std::string text = value.truncated ? "cut " : "";
  for (const auto& mask : value.masks) {
    for (const MaskFill& fill : mask) {
      text += std::to_string(fill.token) + " " + fill.token_str + " " + fill.sequence + " " +
              bits(fill.score);
    }
  }
  return text;
}
inline std::string text_of(const std::vector<Answer>& value) {
  std::string text;
  for (const Answer& a : value) {
    text += a.answer + " " + std::to_string(a.start) + "-" + std::to_string(a.end) + " " +
            bits(a.score);
  }
  return text;
}
inline std::string text_of(const Ranking& value) {
  std::string text = value.truncated ? "cut " : "";
  for (const RankedText& ranked : value.texts) {
    text += std::to_string(ranked.index) + " " + bits(ranked.score);
  }
  return text;
}
template <class T>
inline std::string text_of(const Result<T>& result) {
  return result ? text_of(result.value()) : std::string("error: ") + result.error().what();
}
template <class T>
inline std::vector<std::string> texts_of(const std::vector<Result<T>>& results) {
  std::vector<std::string> texts;
  for (const Result<T>& result : results) texts.push_back(text_of(result));
  return texts;
}

// --- inputs

inline const std::vector<std::string>& sentences() {
  static const std::vector<std::string> list = [] {
    const std::vector<std::string> words = {"water", "film", "Berlin", "Ünïcode", "dull",
                                            "Anna",  "1998", "??",     "charming"};
    std::vector<std::string> made;
    for (std::size_t i = 0; i < 60; ++i) {
      std::string text;
      const std::size_t count = i % 17 == 3 ? 90 : i % 7;
      for (std::size_t w = 0; w < count; ++w) text += words[(i * 5 + w * w) % words.size()] + " ";
      made.push_back(i % 19 == 5 ? "broken \xC3\x28" : text);
    }
    return made;
  }();
  return list;
}
inline std::vector<std::string_view> views() { return {sentences().begin(), sentences().end()}; }
inline std::vector<TextInput> text_inputs() {
  std::vector<TextInput> inputs;
  for (std::size_t i = 0; i < sentences().size(); ++i) {
    inputs.push_back({sentences()[i]});
    if (i % 3 == 0) inputs.back().pair = "the second text";
  }
  return inputs;
}
inline std::vector<QuestionInput> questions() {
  std::vector<QuestionInput> inputs;
  for (const std::string& text : sentences()) inputs.push_back({"Where is Anna?", text});
  return inputs;
}

// Runs a job's windows, the last one first, each in a run of its own.
template <class Value>
Value answer_backwards(const Model& model, Job<Value>& job) {
  Session session(model);
  for (std::size_t i = job.windows().size(); i-- > 0;) {
    session.clear();
    REQUIRE(session.add(job.windows()[i]));
    REQUIRE(session.run(job.output()) == RunStatus::ok);
    CHECK(job.take(i, session.rows(job.output(), 0)) == (i == 0));
  }
  return job.finish();
}

// Each input as a job, and tokenised beforehand, gives what the function gave.
template <class Input, class Value, class Encode>
void check_jobs(const Model& model, const Task<Input, Value>& task,
                const std::vector<Input>& inputs, const std::vector<Result<Value>>& expected,
                const Encode& encode, std::size_t least_windows = 1) {
  EncodeScratch scratch;
  std::size_t windows = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    INFO("input " << i);
    auto job = task.job(inputs[i], scratch);
    REQUIRE(job.has_value() == expected[i].has_value());
    if (!job) {
      CHECK(std::string(job.error().what()) == expected[i].error().what());
      continue;
    }
    Job<Value>& made = *job.value();
    windows = std::max(windows, made.windows().size());
    CHECK(text_of(answer_backwards(model, made)) == text_of(expected[i]));
    const auto tokenised = task.job(inputs[i], std::vector<Encoding>{encode(inputs[i])});
    REQUIRE(tokenised.has_value());
    CHECK(text_of(answer_backwards(model, *tokenised.value())) == text_of(expected[i]));
  }
  CHECK(windows >= least_windows);
}

}  // namespace sapwood::test
