// Tasks as objects: the same bits as the functions, whoever runs the windows, in whatever order and company.
#include "sapwood/task_job.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <thread>

#include "catch.h"
#include "golden.h"
#include "run/parallel_for.h"
#include "sapwood/session.h"

namespace sapwood::test {
namespace {

using namespace std::string_view_literals;

const Model& model_of(const std::string& name, int threads = 1, int batch_tokens = 4096) {
  static std::map<std::tuple<std::string, int, int>, Model> models;
  const auto key = std::tuple(name, threads, batch_tokens);
  if (const auto it = models.find(key); it != models.end()) return it->second;
  return models
      .emplace(key,
               Model::load(golden_dir() / name, {.threads = threads, .batch_tokens = batch_tokens}))
      .first->second;
}

const char* const kClassifier = "distilbert-sentiment-f16";
const char* const kTagger = "distilbert-ner-cased";
const char* const kReader = "bert-qa";
const char* const kMasked = "bert-mlm-bin";

// --- answers as text, floats by their bits

std::string bits(float value) {
  std::uint32_t word = 0;
  std::memcpy(&word, &value, sizeof word);
  return std::to_string(word) + " ";
}
std::string text_of(const Classification& value) {
  std::string text = value.truncated ? "cut " : "";
  for (const LabelScore& label : value.labels) {
    text += label.label + " " + std::to_string(label.id) + " " + bits(label.score);
  }
  return text;
}
std::string text_of(const Entities& value) {
  std::string text = value.truncated ? "cut " : "";
  for (const Entity& e : value.entities) {
    text += e.entity + " " + e.word + " " + std::to_string(e.index) + " " +
            std::to_string(e.start) + "-" + std::to_string(e.end) + " " +
            std::to_string(e.label_id) + " " + bits(e.score);
  }
  return text;
}
std::string text_of(const Embedding& value) {
  std::string text = std::to_string(value.rows) + "x" + std::to_string(value.dim) + " ";
  if (value.truncated) text += "cut ";
  for (const std::int32_t id : value.ids) text += std::to_string(id) + " ";
  for (const float number : value.values) text += bits(number);
  return text;
}
std::string text_of(const MaskFills& value) {
  std::string text = value.truncated ? "cut " : "";
  for (const auto& mask : value.masks) {
    for (const MaskFill& fill : mask) {
      text += std::to_string(fill.token) + " " + fill.token_str + " " + fill.sequence + " " +
              bits(fill.score);
    }
  }
  return text;
}
std::string text_of(const std::vector<Answer>& value) {
  std::string text;
  for (const Answer& a : value) {
    text += a.answer + " " + std::to_string(a.start) + "-" + std::to_string(a.end) + " " +
            bits(a.score);
  }
  return text;
}
std::string text_of(const Ranking& value) {
  std::string text = value.truncated ? "cut " : "";
  for (const RankedText& ranked : value.texts) {
    text += std::to_string(ranked.index) + " " + bits(ranked.score);
  }
  return text;
}
template <class T>
std::string text_of(const Result<T>& result) {
  return result ? text_of(result.value()) : std::string("error: ") + result.error().what();
}
template <class T>
std::vector<std::string> texts_of(const std::vector<Result<T>>& results) {
  std::vector<std::string> texts;
  for (const Result<T>& result : results) texts.push_back(text_of(result));
  return texts;
}

// --- inputs

const std::vector<std::string>& sentences() {
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
std::vector<std::string_view> views() { return {sentences().begin(), sentences().end()}; }
std::vector<TextInput> text_inputs() {
  std::vector<TextInput> inputs;
  for (std::size_t i = 0; i < sentences().size(); ++i) {
    inputs.push_back({sentences()[i]});
    if (i % 3 == 0) inputs.back().pair = "the second text";
  }
  return inputs;
}
std::vector<QuestionInput> questions() {
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

TEST_CASE("a job gives the bits of its task's function: classify, embed, fill-mask", "[task job]") {
  const Model& sentiment = model_of(kClassifier);
  const auto encode = [&](const TextInput& input) {
    return input.pair ? sentiment.encode(input.text, *input.pair) : sentiment.encode(input.text);
  };
  const ClassifyOptions all = {.top_k = 0};
  check_jobs(sentiment, *classify_task(sentiment, all), text_inputs(),
             classify(sentiment, text_inputs(), all), encode);
  for (const PoolingMode pooling : {PoolingMode::mean, PoolingMode::none}) {
    const EmbedOptions options = {.pooling = pooling, .normalize = true};
    check_jobs(sentiment, *embed_task(sentiment, options), text_inputs(),
               embed(sentiment, text_inputs(), options), encode);
  }
  const Model& masked = model_of(kMasked);
  const std::vector<std::string_view> texts = {"a [MASK] film [MASK] .", "no mask", "[MASK]"};
  check_jobs(masked, *fill_mask_task(masked), texts, fill_mask(masked, texts),
             [&](std::string_view text) { return masked.encode(text); });
}

TEST_CASE("a job gives the bits of its task's function: windows of ner and answer", "[task job]") {
  const Model& tagger = model_of(kTagger);
  for (const Aggregation aggregation : {Aggregation::none, Aggregation::first}) {
    const NerOptions options = {
        .aggregation = aggregation, .ignore_labels = {}, .stride = 3, .length = {.max_length = 12}};
    check_jobs(
        tagger, *ner_task(tagger, options), views(), ner(tagger, views(), options),
        [&](std::string_view text) {
          return tagger.tokenizer().encode(text, {.max_length = 12, .stride = 3});
        },
        2);
  }
  const Model& reader = model_of(kReader);
  const AnswerOptions options = {.top_k = 4, .max_seq_length = 24, .stride = 5};
  check_jobs(
      reader, *answer_task(reader, options), questions(), answer(reader, questions(), options),
      [&](const QuestionInput& input) {
        return reader.tokenizer().encode(
            input.question, input.context,
            {.max_length = 24, .truncation = Truncation::only_second, .stride = 5});
      },
      2);
}

TEST_CASE("a ranking is a job of one window for each of its texts", "[task job]") {
  const Model& model = model_of("st-bert-mean");
  const std::vector<std::string_view> texts = {"a film", "water", "Berlin"};
  const auto task = rerank_task(model);
  EncodeScratch scratch;
  const RerankInput input{"charming", texts};
  const auto expected = text_of(rerank(model, input.query, texts));
  auto job = task->job(input, scratch);
  REQUIRE(job.has_value());
  CHECK(job.value()->windows().size() == 4);
  CHECK(text_of(answer_backwards(model, *job.value())) == expected);
  std::vector<Encoding> windows = {model.encode("charming"), model.encode("a film"),
                                   model.encode("water"), model.encode("Berlin")};
  job = task->job(input, windows);
  REQUIRE(job.has_value());
  CHECK(text_of(answer_backwards(model, *job.value())) == expected);
  windows.pop_back();
  CHECK(task->job(input, windows).error().code() == ErrorCode::invalid_argument);
  CHECK(text_of(rerank(model, "charming", {})).empty());
}

TEST_CASE("jobs of several tasks and options share one run", "[task job]") {
  const Model& model = model_of(kClassifier);
  const auto best = classify_task(model), all = classify_task(model, {.top_k = 0});
  const auto vectors = embed_task(model);
  EncodeScratch scratch;
  const TextInput first{"a charming film"}, second{"dull"}, third{"water and Berlin"};
  const auto a = best->job(first, scratch).value(), b = all->job(second, scratch).value();
  const auto c = vectors->job(third, scratch).value();
  Session session(model);
  for (TaskJob* job : {static_cast<TaskJob*>(a.get()), static_cast<TaskJob*>(c.get()),
                       static_cast<TaskJob*>(b.get())}) {
    session.add(job->windows()[0]);
  }
  session.run(Output::head);
  CHECK(a->take(0, session.rows(a->output(), 0)));
  CHECK(c->take(0, session.rows(c->output(), 1)));
  CHECK(b->take(0, session.rows(b->output(), 2)));
  CHECK(text_of(a->finish()) == text_of(classify(model, {&first, 1})[0]));
  CHECK(text_of(b->finish()) == text_of(classify(model, {&second, 1}, {.top_k = 0})[0]));
  CHECK(text_of(c->finish()) == text_of(embed(model, {&third, 1})[0]));
}

TEST_CASE("on several threads every task gives its answers in order, with the same bits",
          "[task job][threads]") {
  const auto both = [](const char* name, const auto& answer_all) {
    // With so few tokens a thread's own run holds little, and there are many of them.
    for (const int batch_tokens : {4096, 64}) {
      INFO(name << ", " << batch_tokens);
      CHECK(texts_of(answer_all(model_of(name, 3, batch_tokens))) ==
            texts_of(answer_all(model_of(name))));
    }
  };
  both(kClassifier, [](const Model& m) { return classify(m, text_inputs(), {.top_k = 0}); });
  both(kClassifier, [](const Model& m) { return embed(m, text_inputs()); });
  both(kTagger, [](const Model& m) {
    return ner(m, views(), {.ignore_labels = {}, .stride = 2, .length = {.max_length = 10}});
  });
  both(kReader, [](const Model& m) {
    return answer(m, questions(), {.top_k = 3, .max_seq_length = 24, .stride = 4});
  });
  both("st-bert-mean", [](const Model& m) {
    std::vector<std::string_view> good;
    for (const std::string_view text : views()) {
      if (!text.starts_with("broken")) good.push_back(text);
    }
    return std::vector{rerank(m, "Berlin", good), rerank(m, "Berlin", views())};
  });
  both(kMasked, [](const Model& m) {
    std::vector<std::string> masked = sentences();
    for (std::string& text : masked) text = "[MASK] " + text;
    return fill_mask(m, std::vector<std::string_view>(masked.begin(), masked.end()));
  });
}

TEST_CASE("windows of one job are taken from several threads at once", "[task job][threads]") {
  const Model& model = model_of(kTagger);
  std::string text;
  for (int i = 0; i < 200; ++i) text += i % 3 == 0 ? "Anna " : "in Berlin ";
  const std::string_view view = text;
  const NerOptions options = {.ignore_labels = {}, .stride = 2, .length = {.max_length = 10}};
  EncodeScratch scratch;
  const auto job = ner_task(model, options)->job(view, scratch).value();
  REQUIRE(job->windows().size() > 20);
  std::atomic<std::size_t> next{0};
  std::atomic<int> last{0};
  const auto work = [&] {
    Session session(model);
    for (std::size_t i; (i = next++) < job->windows().size();) {
      session.clear();
      session.add(job->windows()[i]);
      session.run(job->output());
      if (job->take(i, session.rows(job->output(), 0))) ++last;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  CHECK(last == 1);
  CHECK(text_of(job->finish()) == text_of(ner(model, {&view, 1}, options)[0]));
}

template <class Call>
std::string refused(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_argument);
    return error.what();
  }
  FAIL("was accepted");
  return "";
}

TEST_CASE("a job refuses rows that are not its own, and an answer before its rows", "[task job]") {
  const Model& model = model_of(kClassifier);
  EncodeScratch scratch;
  const auto job = classify_task(model)->job({"a film"}, scratch).value();
  const std::vector<float> logits(3, 0.5f);
  CHECK(refused([&] { job->finish(); }).find("1 of its 1 windows are missing") !=
        std::string::npos);
  CHECK(refused([&] {
          job->take(1, {logits.data(), 1, 3});
        }).find("window 1") != std::string::npos);
  CHECK(refused([&] {
          job->take(0, {logits.data(), 3, 1});
        }).find("expected rows [1, 3], found [3, 1]") != std::string::npos);
  CHECK(job->take(0, {logits.data(), 1, 3}));
  CHECK(refused([&] {
          job->take(0, {logits.data(), 1, 3});
        }).find("taken before") != std::string::npos);
  CHECK(job->finish().labels.size() == 1);
}

TEST_CASE("tokenised inputs that a task cannot read are refused", "[task job]") {
  const Model& model = model_of(kClassifier);
  const auto task = classify_task(model);
  const auto code = [&](std::vector<Encoding> windows) {
    const auto job = task->job({}, std::move(windows));
    REQUIRE_FALSE(job.has_value());
    INFO(job.error().what());
    return job.error().code();
  };
  const Encoding good = model.encode("a film");
  Encoding ids_alone;
  ids_alone.ids = good.ids;
  CHECK(task->job({}, std::vector<Encoding>{ids_alone}).has_value());
  CHECK(code({}) == ErrorCode::invalid_argument);
  CHECK(code({good, good}) == ErrorCode::invalid_argument);
  CHECK(code({Encoding{}}) == ErrorCode::unsupported);
  Encoding bad = ids_alone;
  bad.ids[0] = model.config().vocab_size;
  CHECK(code({bad}) == ErrorCode::invalid_argument);
  bad.ids[0] = -1;
  CHECK(code({bad}) == ErrorCode::invalid_argument);
  bad = good;
  bad.type_ids.pop_back();
  CHECK(code({bad}) == ErrorCode::invalid_argument);
  bad = ids_alone;
  bad.ids.resize(static_cast<std::size_t>(model.config().max_positions) + 1, 1);
  CHECK(code({bad}) == ErrorCode::too_long);

  const auto names = ner_task(model_of(kTagger));
  Encoding without_offsets = model_of(kTagger).encode("Anna");
  without_offsets.offsets.clear();
  const auto job = names->job("Anna"sv, std::vector<Encoding>{without_offsets});
  REQUIRE_FALSE(job.has_value());
  CHECK(std::string(job.error().what()).find("0 offsets") != std::string::npos);
  // Offsets beyond the text quote what there is.
  const auto beyond = names->job(""sv, std::vector<Encoding>{model_of(kTagger).encode("Anna")});
  REQUIRE(beyond.has_value());
  CHECK_NOTHROW(answer_backwards(model_of(kTagger), *beyond.value()));
}

TEST_CASE("embeddings go into the caller's memory, row by row", "[task job]") {
  for (const int threads : {1, 3}) {
    const Model& model = model_of("st-bert-mean", threads);
    const auto expected = embed(model, text_inputs());
    const auto cols = static_cast<std::size_t>(model.config().hidden);
    std::vector<float> out(text_inputs().size() * cols, -7.0f);
    const auto rows = embed_into(model, text_inputs(), out);
    REQUIRE(rows.size() == expected.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::vector<float> row(out.begin() + static_cast<std::ptrdiff_t>(i * cols),
                                   out.begin() + static_cast<std::ptrdiff_t>((i + 1) * cols));
      REQUIRE(rows[i].has_value() == expected[i].has_value());
      if (!rows[i]) {
        CHECK(row == std::vector<float>(cols, -7.0f));
        continue;
      }
      CHECK(row == expected[i].value().values);
      CHECK(rows[i].value().truncated == expected[i].value().truncated);
      CHECK(rows[i].value().tokens > 0);
    }
    out.pop_back();
    CHECK(refused([&] { embed_into(model, text_inputs(), out); }).find("expected [60, ") !=
          std::string::npos);
    out.push_back(0);
    refused([&] { embed_into(model, text_inputs(), out, {.pooling = PoolingMode::none}); });
    CHECK(embed_into(model, {}, {}).empty());
  }
}

TEST_CASE("labels come with their ids", "[task job]") {
  const Model& sentiment = model_of(kClassifier);
  const TextInput input{"a charming film"};
  const auto labels = classify(sentiment, {&input, 1}, {.top_k = 0})[0].value().labels;
  for (const LabelScore& label : labels) {
    REQUIRE(label.id >= 0);
    CHECK(sentiment.config().labels.at(static_cast<std::size_t>(label.id)) == label.label);
  }
  const Model& tagger = model_of(kTagger);
  const std::string_view text = "Anna Keller moved to Berlin in 1998";
  for (const Aggregation aggregation : {Aggregation::none, Aggregation::simple, Aggregation::max}) {
    const auto found = ner(tagger, {&text, 1}, {.aggregation = aggregation, .ignore_labels = {}});
    REQUIRE_FALSE(found[0].value().entities.empty());
    for (const Entity& entity : found[0].value().entities) {
      REQUIRE(entity.label_id >= 0);
      CHECK(tagger.config()
                .labels.at(static_cast<std::size_t>(entity.label_id))
                .ends_with(entity.entity));
    }
  }
}

TEST_CASE("what a task of many threads throws comes out once, and ends the others",
          "[task job][threads]") {
  const Threads team(3);
  std::atomic<int> calls{0};
  const auto work = [&](int task, int) {
    ++calls;
    if (task == 5) throw std::runtime_error("five");
  };
  CHECK_THROWS_WITH(parallel_for(team, 3, 100000, work), "five");
  CHECK(calls < 100000);
  calls = 0;
  std::atomic<bool> in_range{true};
  parallel_for(team, 3, 1000, [&](int, int thread) {
    if (thread < 0 || thread >= 3) in_range = false;
    ++calls;
  });
  CHECK(calls == 1000);
  CHECK(in_range);
  CHECK(team.awake() == 0);
}

}  // namespace
}  // namespace sapwood::test
