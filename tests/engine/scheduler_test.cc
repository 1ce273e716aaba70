// The scheduler with its threads: answers, refusals, ends. Over 400 lines, because its cases share the requests that they
// compare and the clocks that they stop.
#include "sapwood/scheduler.h"

#include <atomic>
#include <fstream>
#include <random>
#include <thread>

#include "catch.h"
#include "golden.h"

namespace sapwood::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

const char* const kSentiment = "distilbert-sentiment-f16";
const char* const kNames = "distilbert-ner-cased";

std::shared_ptr<Job<Classification>> sentiment_job(const Model& model, std::string_view text) {
  EncodeScratch scratch;
  return classify_task(model, {.top_k = 0})->job({text}, scratch).value();
}

std::vector<std::pair<std::string, float>> pairs(const Classification& value) {
  std::vector<std::pair<std::string, float>> list;
  for (const LabelScore& label : value.labels) list.emplace_back(label.label, label.score);
  return list;
}

ErrorCode code_of(std::future<Classification>& future) {
  try {
    future.get();
  } catch (const Error& error) {
    return error.code();
  }
  FAIL("no Error was thrown");
  return {};
}

TEST_CASE("the scheduler gives each request the answer of its own call", "[scheduler][threads]") {
  const Threads team(3);
  const Model sentiment = Model::load(golden_dir() / kSentiment, {.team = team});
  const Model names = Model::load(golden_dir() / kNames, {.team = team});
  Scheduler scheduler({.team = team, .max_wait = 1h});
  scheduler.add(sentiment);
  std::vector<std::string> texts;
  for (int i = 0; i < 40; ++i)
    texts.push_back(std::string(static_cast<std::size_t>(i % 9), 'a') + " film");
  const auto callers = [&](unsigned seed) {
    std::mt19937 random(seed);
    EncodeScratch scratch;
    std::vector<std::pair<std::size_t, std::future<Classification>>> answers;
    std::vector<std::pair<std::size_t, std::future<Entities>>> entities;
    for (int i = 0; i < 60; ++i) {
      const std::size_t text = random() % texts.size();
      if (random() % 3 == 0) {
        const std::string_view view = texts[text];
        std::shared_ptr job = ner_task(names, {.ignore_labels = {}})->job(view, scratch).value();
        entities.emplace_back(text, scheduler.answer(std::move(job)));
      } else {
        answers.emplace_back(text, scheduler.answer(sentiment_job(sentiment, texts[text])));
      }
    }
    bool right = true;
    for (auto& [text, future] : answers) {
      const TextInput input{texts[text]};
      right &=
          pairs(future.get()) == pairs(classify(sentiment, {&input, 1}, {.top_k = 0})[0].value());
    }
    for (auto& [text, future] : entities) {
      const std::string_view view = texts[text];
      const auto expected = ner(names, {&view, 1}, {.ignore_labels = {}})[0].value().entities;
      const auto found = future.get().entities;
      right &= found.size() == expected.size();
      for (std::size_t i = 0; right && i < found.size(); ++i) {
        right &= found[i].score == expected[i].score && found[i].word == expected[i].word;
      }
    }
    return right;
  };
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      if (!callers(i)) ++wrong;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  scheduler.drain();
  const SchedulerStatistics statistics = scheduler.statistics();
  CHECK(statistics.accepted == 240);
  CHECK(statistics.done == 240);
  CHECK(statistics.requests == 0);
  CHECK(statistics.busy == 0);
  CHECK(statistics.tokens > 0);
  CHECK(team.most_awake() <= 3 + 4);  // the workers' runs, and the callers' own calls
}

TEST_CASE("a list is one request, ended once when all of it is there", "[scheduler][threads]") {
  const Model model = Model::load(golden_dir() / kSentiment);
  Scheduler scheduler({.team = Threads(2), .max_wait = 1h});
  Request request;
  for (int i = 0; i < 50; ++i) request.jobs.push_back(sentiment_job(model, "a charming film"));
  std::promise<Completion> ended;
  std::atomic<int> calls{0};
  request.done = [&](const Completion& completion) {
    if (++calls == 1) ended.set_value(completion);
  };
  const auto jobs = request.jobs;
  REQUIRE(scheduler.submit(std::move(request)).admission.accepted);
  const Completion completion = ended.get_future().get();
  CHECK(completion.status == Completion::Status::done);
  CHECK(completion.queued >= 0ns);
  CHECK(completion.computed > 0ns);
  CHECK(completion.processor > 0ns);
  for (const auto& job : jobs) {
    CHECK_NOTHROW(static_cast<Job<Classification>&>(*job).finish());
  }
  scheduler.drain();
  CHECK(calls == 1);
}

// Keeps the only worker busy until it is told to go on.
struct Gate {
  struct State {
    std::promise<void> entered, leave;
  };
  // The worker may be the last to leave.
  std::shared_ptr<State> state = std::make_shared<State>();

  explicit Gate(Scheduler& scheduler, const Model& model) {
    Request request;
    request.jobs.push_back(sentiment_job(model, "gate"));
    request.done = [state = state](const Completion&) {
      state->entered.set_value();
      state->leave.get_future().wait();
    };
    scheduler.submit(std::move(request));
    state->entered.get_future().wait();
  }
  void open() { state->leave.set_value(); }
};

TEST_CASE("a request that cannot be answered in time is refused at once, or told before it runs",
          "[scheduler][threads]") {
  const Model model = Model::load(golden_dir() / kSentiment);
  Scheduler scheduler({.team = Threads(1), .max_wait = 0ms});
  scheduler.add(model);
  auto past = scheduler.answer(sentiment_job(model, "late"), Clock::now() - 1ms);
  CHECK(code_of(past) == ErrorCode::deadline_exceeded);
  Gate gate(scheduler, model);
  // Nothing is queued, so that one is let in; the next would have to wait for it.
  auto waiting = scheduler.answer(sentiment_job(model, "first"), Clock::now() + 30ms);
  auto refused = scheduler.answer(sentiment_job(model, "second"));
  CHECK(code_of(refused) == ErrorCode::overloaded);
  const Admission admission = scheduler.admit(model, 1, 8);
  CHECK_FALSE(admission.accepted);
  CHECK(admission.wait > 0ns);
  std::this_thread::sleep_for(40ms);
  gate.open();
  CHECK(code_of(waiting) == ErrorCode::deadline_exceeded);
  scheduler.drain();
  const SchedulerStatistics statistics = scheduler.statistics();
  CHECK(statistics.refused == 2);
  CHECK(statistics.late == 1);
}

TEST_CASE("a queued request whose deadline passes is told at once, though every worker is busy",
          "[scheduler][threads]") {
  const Model model = Model::load(golden_dir() / kSentiment);
  Scheduler scheduler({.team = Threads(1), .max_wait = 1h});
  scheduler.add(model);
  Gate gate(scheduler, model);
  auto patient = scheduler.answer(sentiment_job(model, "patient"));
  // The later deadline is watched first.
  auto later = scheduler.answer(sentiment_job(model, "later"), Clock::now() + 200ms);
  auto first = scheduler.answer(sentiment_job(model, "first"), Clock::now() + 100ms);
  const bool told =
      first.wait_for(1min) == std::future_status::ready &&
      later.wait_for(1min) == std::future_status::ready;  // while the gate is still closed
  const SchedulerStatistics statistics = scheduler.statistics();
  gate.open();
  REQUIRE(told);
  CHECK(code_of(first) == ErrorCode::deadline_exceeded);
  CHECK(code_of(later) == ErrorCode::deadline_exceeded);
  CHECK(statistics.late == 2);
  CHECK(statistics.texts == 1);
  CHECK_NOTHROW(patient.get());
}

TEST_CASE("a request that is cancelled ends once, and is not computed", "[scheduler][threads]") {
  const Model model = Model::load(golden_dir() / kSentiment);
  Scheduler scheduler({.team = Threads(1), .max_wait = 1h});
  Gate gate(scheduler, model);
  std::atomic<int> calls{0};
  Completion::Status status{};
  Request request;
  request.jobs.push_back(sentiment_job(model, "a film"));
  const std::shared_ptr<TaskJob> job = request.jobs[0];
  request.done = [&](const Completion& completion) {
    ++calls;
    status = completion.status;
  };
  auto submitted = scheduler.submit(std::move(request));
  submitted.ticket.cancel();
  submitted.ticket.cancel();
  CHECK(calls == 1);
  CHECK(status == Completion::Status::cancelled);
  gate.open();
  scheduler.drain();
  CHECK(calls == 1);
  CHECK_THROWS_AS(static_cast<Job<Classification>&>(*job).finish(), Error);
  Scheduler::Ticket().cancel();  // of nothing
}

TEST_CASE("a scheduler that stops cancels what is queued and refuses what comes",
          "[scheduler][threads]") {
  const Model model = Model::load(golden_dir() / kSentiment);
  Scheduler scheduler({.team = Threads(1), .max_wait = 1h});
  Gate gate(scheduler, model);
  auto queued = scheduler.answer(sentiment_job(model, "a film"));
  std::thread stopper([&] { scheduler.stop(); });
  CHECK(code_of(queued) == ErrorCode::cancelled);
  gate.open();
  stopper.join();
  auto after = scheduler.answer(sentiment_job(model, "a film"));
  CHECK(code_of(after) == ErrorCode::cancelled);
  CHECK(scheduler.admit(model, 1, 1).refusal == Admission::Refusal::stopped);
  scheduler.stop();  // once more
}

TEST_CASE("a model that is removed from a scheduler is freed, and its requests are cancelled",
          "[scheduler][threads]") {
  const Model other = Model::load(golden_dir() / kNames);
  Scheduler scheduler({.team = Threads(1), .max_wait = 1h});
  std::vector<std::future<Classification>> answers;
  // Freed with the last model, job and session that knew it.
  std::string file;
  {
    std::ifstream in(source_dir() / "models/minilm-fff-sst2/model.safetensors", std::ios::binary);
    file.assign(std::istreambuf_iterator<char>(in), {});
  }
  {
    const Model model = Model::load(std::as_bytes(std::span(file)));
    scheduler.add(model);
    scheduler.answer(sentiment_job(model, "film")).get();
    Gate gate(scheduler, model);
    for (int i = 0; i < 10; ++i) answers.push_back(scheduler.answer(sentiment_job(model, "film")));
    scheduler.remove(model);
    scheduler.remove(model);
    gate.open();
  }
  for (auto& answer : answers) CHECK(code_of(answer) == ErrorCode::cancelled);
  scheduler.drain();
  // The worker has dropped its session when it has done something else.
  const std::string_view text = "Anna";
  std::shared_ptr job = ner_task(other)->job(text, *std::make_unique<EncodeScratch>()).value();
  scheduler.answer(std::move(job)).get();
  CHECK(scheduler.statistics().cancelled == 10);
  std::fill(file.begin(), file.end(), '\0');  // nobody reads it any more
}

TEST_CASE("a job is run once: a request with one that is queued or was run is refused",
          "[scheduler][threads]") {
  const Model model = Model::load(golden_dir() / kSentiment);
  Scheduler scheduler({.team = Threads(1), .max_wait = 1h});
  Gate gate(scheduler, model);
  const auto job = sentiment_job(model, "a film"), innocent = sentiment_job(model, "dull");
  auto first = scheduler.answer(job);
  auto other = scheduler.answer(innocent);
  CHECK_THROWS_AS(scheduler.answer(job), Error);
  Request twice;
  twice.jobs = {sentiment_job(model, "x")};
  twice.jobs.push_back(twice.jobs[0]);
  CHECK_THROWS_AS(scheduler.submit(twice), Error);
  gate.open();
  CHECK_NOTHROW(first.get());
  CHECK_NOTHROW(other.get());
  CHECK_THROWS_AS(scheduler.answer(job), Error);
}

// A job whose rows cannot be read.
class BrokenJob : public Job<int> {
 public:
  explicit BrokenJob(const Model& model)
      : Job(model, Output::hidden, std::vector<Encoding>{model.encode("broken")}) {}

 private:
  void read(std::size_t, const MatrixView&) override {
    throw Error(ErrorCode::mismatch, "it is broken");
  }
  int result() override { return 1; }
};

TEST_CASE("a job that fails leaves the others of its run, and of other requests, their answers",
          "[scheduler][threads]") {
  const Model model = Model::load(golden_dir() / kSentiment);
  Scheduler scheduler({.team = Threads(1), .max_wait = 1h});
  Gate gate(scheduler, model);
  auto before = scheduler.answer(sentiment_job(model, "a film"));
  auto broken = scheduler.answer(std::shared_ptr<Job<int>>(std::make_shared<BrokenJob>(model)));
  auto after = scheduler.answer(sentiment_job(model, "dull"));
  gate.open();
  CHECK_NOTHROW(before.get());
  CHECK_NOTHROW(after.get());
  CHECK_THROWS_AS(broken.get(), Error);
  CHECK(scheduler.statistics().failed == 1);
}

TEST_CASE("texts of a request that was cancelled under way may be freed in its done",
          "[scheduler][threads]") {
  const Model model = Model::load(golden_dir() / kNames);
  const auto task =
      ner_task(model, {.ignore_labels = {}, .stride = 2, .length = {.max_length = 16}});
  Scheduler scheduler({.team = Threads(2), .max_wait = 1h});
  std::mt19937 random(3);
  for (int i = 0; i < 200; ++i) {
    auto text = std::make_unique<std::string>();
    for (int w = 0; w < 30; ++w) *text += w % 2 == 0 ? "Änna " : "Berlin ";
    EncodeScratch scratch;
    Request request;
    request.jobs = {task->job(*text, scratch).value()};
    std::promise<void> ended;
    request.done = [&ended, &text](const Completion&) {
      std::fill(text->begin(), text->end(), '?');
      text.reset();
      ended.set_value();
    };
    auto submitted = scheduler.submit(std::move(request));
    if (random() % 2 == 0) std::this_thread::sleep_for(std::chrono::microseconds(random() % 800));
    submitted.ticket.cancel();
    CHECK(text == nullptr);  // cancel returns when done has
    ended.get_future().get();
  }
}

TEST_CASE("what a request's done holds may call the scheduler when it is destroyed",
          "[scheduler][threads]") {
  const Model model = Model::load(golden_dir() / kSentiment);
  Scheduler scheduler({.team = Threads(2), .max_wait = 1h});
  struct Connection {
    Scheduler& scheduler;
    std::uint64_t id = 0;
    ~Connection() {
      scheduler.cancel(id);
      scheduler.statistics();
    }
  };
  for (int i = 0; i < 50; ++i) {
    auto connection = std::make_shared<Connection>(scheduler);
    Request request;
    request.jobs = {sentiment_job(model, "a film")};
    request.done = [connection](const Completion&) {};
    scheduler.submit(std::move(request), &connection->id);
  }
  scheduler.drain();
  // Nor may a done wait for itself.
  std::promise<bool> refused;
  Request request;
  request.jobs = {sentiment_job(model, "a film")};
  request.done = [&](const Completion&) {
    bool both = true;
    for (const auto& call : {+[](Scheduler& s) { s.drain(); }, +[](Scheduler& s) { s.stop(); }}) {
      try {
        call(scheduler);
        both = false;
      } catch (const Error&) {
      }
    }
    refused.set_value(both);
  };
  scheduler.submit(std::move(request));
  CHECK(refused.get_future().get());
}

TEST_CASE("requests that cannot be are refused with an error, by the scheduler", "[scheduler]") {
  const Model one = Model::load(golden_dir() / kSentiment);
  const Model two = Model::load(golden_dir() / kSentiment);
  Scheduler scheduler({.team = Threads(1)});
  CHECK_THROWS_AS(scheduler.submit({}), Error);
  Request mixed;
  mixed.jobs = {sentiment_job(one, "a"), sentiment_job(two, "b")};
  CHECK_THROWS_AS(scheduler.submit(mixed), Error);
  Request null;
  null.jobs = {nullptr};
  CHECK_THROWS_AS(scheduler.submit(null), Error);
  CHECK_THROWS_AS(Scheduler({.batch_tokens = 0}), Error);
  CHECK_THROWS_AS(Scheduler({.max_wait = -1ns}), Error);
  CHECK(Scheduler::refusal({false, 1500us}).what() ==
        std::string("the service is overloaded: come again in 2 ms"));
}

TEST_CASE(
    "submitting, cancelling, deadlines and removing from many threads: each request ends once",
    "[scheduler][threads]") {
  const Model model = Model::load(golden_dir() / kSentiment);
  std::atomic<int> accepted{0}, ended{0};
  int counted = 0;
  {
    Scheduler scheduler({.team = Threads(2), .max_wait = 20ms});
    std::vector<std::thread> threads;
    for (unsigned seed = 0; seed < 4; ++seed) {
      threads.emplace_back([&, seed] {
        std::mt19937 random(seed);
        for (int i = 0; i < 150; ++i) {
          Request request;
          const std::size_t jobs = random() % 4 == 0 ? 1 + random() % 8 : 1;
          for (std::size_t j = 0; j < jobs; ++j) {
            request.jobs.push_back(sentiment_job(model, "a charming film"));
          }
          if (random() % 2 == 0) {
            request.deadline = Clock::now() + std::chrono::microseconds(random() % 20000);
          }
          request.done = [&](const Completion&) { ++ended; };
          auto submitted = scheduler.submit(std::move(request));
          if (submitted.admission.accepted) ++accepted;
          if (random() % 5 == 0) submitted.ticket.cancel();
          if (random() % 50 == 0) scheduler.remove(model);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    scheduler.drain();
    const SchedulerStatistics s = scheduler.statistics();
    CHECK(s.accepted == static_cast<std::uint64_t>(accepted));
    counted = static_cast<int>(s.done + s.cancelled + s.late + s.failed);
  }
  CHECK(accepted > 0);
  CHECK(ended == accepted);
  CHECK(counted == accepted);
}

}  // namespace
}  // namespace sapwood::test
