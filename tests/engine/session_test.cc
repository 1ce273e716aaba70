// Sessions, what stops them, and the threads they share.
#include "sapwood/session.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <stop_token>
#include <thread>

#include "catch.h"
#include "golden.h"
#include "sapwood/threads.h"

namespace sapwood::test {
namespace {

const fs::path classifier_folder = golden_dir() / "distilbert-sentiment-f16";

std::vector<float> copied(const MatrixView& view) {
  return {view.data, view.data + static_cast<std::size_t>(view.rows) * view.cols};
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_argument);
    return error.what();
  }
  FAIL("was accepted");
  return "";
}

// Fills, runs, reads and clears a session until all sequences are through.
std::vector<std::vector<float>> run_all(Session& session, const std::vector<Sequence>& sequences,
                                        Output output) {
  std::vector<std::vector<float>> results;
  std::size_t next = 0;
  while (next < sequences.size()) {
    session.clear();
    while (next < sequences.size() && session.add(sequences[next])) ++next;
    REQUIRE(session.size() > 0);
    REQUIRE(session.run(output) == RunStatus::ok);
    for (std::size_t i = 0; i < session.size(); ++i) {
      results.push_back(copied(output == Output::hidden ? session.hidden(i) : session.head(i)));
    }
  }
  return results;
}

TEST_CASE("a session gives the bits of Model::run, hidden states and head of one run",
          "[session]") {
  for (const fs::path& folder : subdirectories(golden_dir())) {
    INFO("checkpoint: " << folder.filename());
    const Model model = Model::load(folder, {.threads = 2});
    const RandomTexts texts(model, 9, 3);
    const auto hidden = run(model, texts.sequences, Output::hidden);
    const int longest = model.config().max_positions;
    for (const int batch_tokens : {0, longest, 3 * longest + 1}) {
      Session session(model, {.batch_tokens = batch_tokens, .threads = 1 + batch_tokens % 2});
      CHECK(run_all(session, texts.sequences, Output::hidden) == hidden);
      if (model.config().head == HeadKind::none) {
        CHECK_THROWS_AS(session.run(Output::head), Error);
        continue;
      }
      CHECK(run_all(session, texts.sequences, Output::head) ==
            run(model, texts.sequences, Output::head));
      // The last sequences are still there, with both results of the last run.
      const std::size_t first = texts.sequences.size() - session.size();
      for (std::size_t i = 0; i < session.size(); ++i) {
        CHECK(copied(session.hidden(i)) == hidden[first + i]);
      }
    }
  }
}

TEST_CASE("a session that is full, and one that is too small, say so", "[session]") {
  const Model model = Model::load(classifier_folder);
  Session session(model, {.batch_tokens = 4});
  const std::vector<std::int32_t> three = {1, 2, 3}, five = {1, 2, 3, 4, 5}, bad = {-1};
  CHECK(session.add({.ids = three}));
  CHECK_FALSE(session.add({.ids = three}));
  CHECK(session.size() == 1);
  CHECK(session.tokens() == 3);
  const std::string too_small = message_of([&] { session.add({.ids = five}); });
  CHECK_THAT(too_small, ContainsSubstring("has 5 tokens") && ContainsSubstring("room for 4"));
  CHECK_THAT(message_of([&] { session.add({.ids = bad}); }), ContainsSubstring("token id"));
  CHECK_THAT(message_of([&] { session.add({}); }), ContainsSubstring("found 0"));
  CHECK(session.size() == 1);
  session.clear();
  CHECK(session.size() == 0);
  CHECK(session.add({.ids = three}));
}

TEST_CASE("a session has results of what was run, and of nothing else", "[session]") {
  const Model model = Model::load(classifier_folder);
  Session session(model);
  const std::vector<std::int32_t> ids = {1, 2, 3};
  REQUIRE(session.add({.ids = ids}));
  CHECK_THAT(message_of([&] { session.hidden(0); }), ContainsSubstring("run the session first"));
  REQUIRE(session.run(Output::hidden) == RunStatus::ok);
  CHECK(session.hidden(0).rows == 3);
  CHECK_THAT(message_of([&] { session.hidden(1); }), ContainsSubstring("sequence 1"));
  CHECK_THAT(message_of([&] { session.head(0); }), ContainsSubstring("Output::head"));
  REQUIRE(session.run(Output::head) == RunStatus::ok);
  CHECK(session.head(0).cols == static_cast<int>(model.config().labels.size()));
  REQUIRE(session.add({.ids = ids}));
  CHECK_THAT(message_of([&] { session.hidden(0); }), ContainsSubstring("run the session first"));
  CHECK_THAT(message_of([&] { Session(model, {.batch_tokens = -1}); }),
             ContainsSubstring("batch_tokens: expected 0 to"));
  CHECK_THAT(message_of([&] { Session(model, {.threads = 2}); }),
             ContainsSubstring("threads: expected 0 to 1"));
}

TEST_CASE("a stop that is asked for before runs nothing, and the session can be run again",
          "[session][stop]") {
  const Model model = Model::load(classifier_folder, {.threads = 2});
  const RandomTexts texts(model, 5, 1);
  const auto expected = run(model, texts.sequences, Output::head);
  Session session(model);
  for (const Sequence& s : texts.sequences) REQUIRE(session.add(s));
  std::stop_source source;
  const auto later = StopToken::Clock::now() + std::chrono::hours(1);
  REQUIRE(session.run(Output::head, StopToken(source.get_token(), later)) == RunStatus::ok);
  for (std::size_t i = 0; i < session.size(); ++i) CHECK(copied(session.head(i)) == expected[i]);
  source.request_stop();
  CHECK(session.run(Output::head, StopToken(source.get_token())) == RunStatus::cancelled);
  CHECK_THROWS_AS(session.head(0), Error);
  const auto past = StopToken::Clock::now() - std::chrono::seconds(1);
  CHECK(session.run(Output::head, StopToken(past)) == RunStatus::deadline);
  CHECK(session.run(Output::head, StopToken(source.get_token(), past)) == RunStatus::cancelled);
  REQUIRE(session.run(Output::head) == RunStatus::ok);
  for (std::size_t i = 0; i < session.size(); ++i) CHECK(copied(session.head(i)) == expected[i]);
}

TEST_CASE("a run that could be stopped has the bits of one that could not", "[session][stop]") {
  const StopToken never(std::stop_source().get_token(),
                        StopToken::Clock::now() + std::chrono::hours(1));
  for (const fs::path& folder : subdirectories(golden_dir())) {
    INFO("checkpoint: " << folder.filename());
    for (const WeightType dtype : {WeightType::f32, WeightType::int8}) {
      const Model model = Model::load(folder, {.dtype = dtype, .threads = 2});
      const RandomTexts texts(model, 40, 5);
      const auto expected = run(model, texts.sequences, Output::hidden);
      Session session(model, {.batch_tokens = 40 * model.config().max_positions});
      for (const Sequence& s : texts.sequences) REQUIRE(session.add(s));
      REQUIRE(session.run(Output::hidden, never) == RunStatus::ok);
      for (std::size_t i = 0; i < session.size(); ++i) {
        CHECK(copied(session.hidden(i)) == expected[i]);
      }
    }
  }
}

TEST_CASE("stops at any moment leave a session as it was", "[session][stop][threads]") {
  const Model model = Model::load(classifier_folder, {.threads = 2});
  const RandomTexts texts(model, 40, 1);
  const auto expected = run(model, texts.sequences, Output::head);
  Session session(model, {.batch_tokens = 40 * model.config().max_positions});
  for (const Sequence& s : texts.sequences) REQUIRE(session.add(s));
  for (int i = 0; i < 60; ++i) {
    std::stop_source source;
    std::thread stopper([&source, i] {
      std::this_thread::sleep_for(std::chrono::microseconds(20 * i));
      source.request_stop();
    });
    const RunStatus status = session.run(Output::head, StopToken(source.get_token()));
    stopper.join();
    if (status == RunStatus::ok) {
      CHECK(copied(session.head(39)) == expected[39]);
    } else {
      CHECK(status == RunStatus::cancelled);
      CHECK_THROWS_AS(session.head(0), Error);
    }
  }
  REQUIRE(session.run(Output::head) == RunStatus::ok);
  for (std::size_t i = 0; i < session.size(); ++i) CHECK(copied(session.head(i)) == expected[i]);
}

TEST_CASE("models and sessions on one team never keep more threads awake than it has",
          "[session][threads]") {
  for (const int size : {1, 2, 3}) {
    INFO("threads: " << size);
    const Threads team(size);
    const Model first = Model::load(classifier_folder, {.threads = 0, .team = team});
    const Model second = Model::load(golden_dir() / "bert-fff-ner", {.threads = 0, .team = team});
    const RandomTexts texts(first, 8, 2), others(second, 8, 4);
    const auto expected = run(first, texts.sequences, Output::head);
    const auto other_expected = run(second, others.sequences, Output::head);
    std::atomic<int> wrong{0};
    std::vector<std::thread> callers;
    for (int c = 0; c < std::min(size, 2); ++c) {
      callers.emplace_back([&, c] {
        for (int i = 0; i < 60; ++i) {
          Session session(c == 0 ? first : second);
          const auto results =
              run_all(session, c == 0 ? texts.sequences : others.sequences, Output::head);
          if (results != (c == 0 ? expected : other_expected)) ++wrong;
        }
      });
    }
    for (std::thread& caller : callers) caller.join();
    CHECK(wrong == 0);
    CHECK(team.most_awake() <= size);
    CHECK(team.most_awake() >= 1);
    CHECK(team.awake() == 0);
  }
}

TEST_CASE("more callers than threads compute alone, each right", "[session][threads]") {
  const Threads team(2);
  const Model model = Model::load(classifier_folder, {.threads = 0, .team = team});
  const RandomTexts texts(model, 6, 2);
  const auto expected = run(model, texts.sequences, Output::head);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 8; ++c) {
    callers.emplace_back([&] {
      Session session(model);
      for (int i = 0; i < 20; ++i) {
        if (run_all(session, texts.sequences, Output::head) != expected) ++wrong;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
  CHECK(team.most_awake() <= 8);
  CHECK(team.awake() == 0);
}

TEST_CASE("what narrow products work in counts in a session's memory, once a thread",
          "[session][threads]") {
  const Threads team(3);
  for (const WeightType dtype : {WeightType::f32, WeightType::bf16, WeightType::int8}) {
    const Model model =
        Model::load(golden_dir() / "distilbert-base", {.dtype = dtype, .team = team});
    const auto bytes = [&](int threads) {
      return Session(model, {.threads = threads, .team = team}).memory_bytes();
    };
    const auto more = static_cast<std::size_t>(bytes(3) - bytes(1));
    const std::size_t scratch = kernels::linear_scratch(
        dtype == WeightType::bf16 ? kernels::DType::bf16 : kernels::DType::int8);
    INFO(to_string(dtype) << ": " << more);
    CHECK((more >= 2 * scratch) == (dtype != WeightType::f32));
  }
}

TEST_CASE("threads are chosen for each run", "[session][threads]") {
  const Model model = Model::load(classifier_folder, {.threads = 3});
  const RandomTexts texts(model, 6, 2);
  Session session(model);
  for (const Sequence& s : texts.sequences) REQUIRE(session.add(s));
  std::vector<float> expected;
  for (const int threads : {1, 2, 3, 0}) {
    REQUIRE(session.run(Output::head, {}, threads) == RunStatus::ok);
    if (expected.empty()) expected = copied(session.head(5));
    CHECK(copied(session.head(5)) == expected);
  }
  CHECK_THROWS_AS(session.run(Output::head, {}, 4), Error);
  CHECK_THROWS_AS(Threads(-1), Error);
  CHECK_THROWS_AS(Threads(1025), Error);
  CHECK(Threads().size() == 1);
  CHECK(Threads(0).size() == available_threads());
}

TEST_CASE("HOSTILE 53: after a fork the child computes alone, with the same bits",
          "[session][hostile]") {
  const Model model = Model::load(classifier_folder, {.threads = 2});
  const RandomTexts texts(model, 6, 2);
  const auto expected = run(model, texts.sequences, Output::head);
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    int result = run(model, texts.sequences, Output::head) == expected ? 0 : 1;
    {
      const Model own = Model::load(classifier_folder, {.threads = 2});  // with helpers of its own
      if (run(own, texts.sequences, Output::head) != expected) result = 2;
    }
    ::_exit(result);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(run(model, texts.sequences, Output::head) == expected);
}

}  // namespace
}  // namespace sapwood::test
