// What jobs and tasks refuse, and where their answers go.
#include "task_job_answers.h"

namespace sapwood::test {
namespace {

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
