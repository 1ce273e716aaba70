// The scheduler's decisions, in simulated time. Over 400 lines, because all cases run on one simulated machine.
#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <map>
#include <queue>
#include <random>
#include <set>

#include "catch.h"
#include "schedule/queue.h"

namespace sapwood::schedule {
namespace {

using namespace std::chrono_literals;

Time of_seconds(double seconds) {
  return std::chrono::duration_cast<Time>(std::chrono::duration<double>(seconds));
}
double to_ms(Time time) { return std::chrono::duration<double, std::milli>(time).count(); }

// A machine of `workers` processors that computes what a Queue hands out, in simulated time.
class Machine {
 public:
  struct Ended {
    std::vector<RequestId> complete, late;
  };

  Machine(const Settings& settings, double unit_seconds, double token_seconds)
      : queue(settings), unit_seconds_(unit_seconds), token_seconds_(token_seconds) {
    queue.observe(1, 1, 1, of_seconds(cost(1, 1)));
    for (int i = 1; i < 64; ++i) queue.observe(1, 1, i, of_seconds(cost(1, i)));
  }

  double cost(double units, double tokens) const {
    return unit_seconds_ * units + token_seconds_ * tokens;
  }

  // Hands out runs to free workers at `now`.
  void dispatch(Time now, Ended& ended) {
    while (const auto id = queue.take_late(now)) ended.late.push_back(*id);
    while (const Run* run = queue.next(now)) {
      int tokens = 0;
      for (const Unit& unit : run->units) {
        tokens += unit.tokens;
        REQUIRE(handed_out_.insert({unit.request, unit.index}).second);  // nothing twice
      }
      REQUIRE(run->threads >= 1);
      const double work = cost(static_cast<double>(run->units.size()), tokens);
      // Workers that join do 0.85 of what they would do alone.
      const double speed = 1 + 0.85 * (run->threads - 1);
      ends_.push({now + of_seconds(work / speed), run->id});
      for (const Unit& unit : run->units) started_.try_emplace(unit.request, now);
    }
  }

  // Lets all runs end that do so before `until`.
  Ended advance(Time until) {
    Ended ended;
    while (!ends_.empty() && ends_.top().first <= until) {
      const auto [time, run] = ends_.top();
      ends_.pop();
      for (const RequestId id : queue.finish(run, time)) {
        ended.complete.push_back(id);
        completed_at[id] = time;
      }
      dispatch(time, ended);
    }
    return ended;
  }

  RequestId add(ModelId model, std::span<const int> tokens, std::optional<Time> deadline = {}) {
    const RequestId id = queue.new_id();
    queue.add(id, model, tokens, deadline);
    return id;
  }

  Time started(RequestId id) const { return started_.at(id); }

  Queue queue;
  std::map<RequestId, Time> completed_at;

 private:
  using End = std::pair<Time, RunId>;
  double unit_seconds_, token_seconds_;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
  std::set<std::pair<RequestId, std::size_t>> handed_out_;
  std::map<RequestId, Time> started_;
};

double percentile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values.at(static_cast<std::size_t>(part * static_cast<double>(values.size() - 1)));
}

// Texts of lognormal lengths, as in the conversations that services see.
struct Texts {
  std::mt19937_64 random{1};
  std::lognormal_distribution<double> length{std::log(20.0), 0.7};
  int next() { return std::clamp(static_cast<int>(length(random)), 3, 128); }
};

constexpr double kUnit = 50e-6, kToken = 150e-6;

double mean_service() {
  Texts texts;
  double sum = 0;
  for (int i = 0; i < 100000; ++i) sum += kUnit + kToken * texts.next();
  return sum / 100000;
}

struct Load {
  double rate = 1;  // of capacity
  int requests = 20000;
  Time deadline{};  // 0: none
  Time max_wait = 1s;
  bool bounded = true;  // false: nobody is refused or late
  int lists = 0;        // requests of 64 texts that are always there
};

struct Outcome {
  std::vector<double> latencies;   // ms, of single texts that were answered in time
  double work_done = 0, span = 0;  // processor seconds of them; seconds
  std::size_t refused = 0, late = 0;
};

Outcome simulate(const Load& load, int workers) {
  Texts texts;
  std::mt19937_64 random(2);
  Machine machine({.workers = workers, .max_wait = load.max_wait}, kUnit, kToken);
  std::exponential_distribution<double> gap(load.rate * workers / mean_service());
  std::map<RequestId, std::pair<Time, double>> singles;  // arrival and work
  std::set<RequestId> lists;
  Outcome outcome;
  double now = 0;
  const auto add_list = [&] {
    std::vector<int> tokens(64);
    for (int& each : tokens) each = texts.next();
    lists.insert(machine.add(1, tokens));
  };
  const auto book = [&](const Machine::Ended& ended) {
    outcome.late += ended.late.size();
    for (const RequestId id : ended.complete) {
      if (lists.erase(id) > 0) {
        add_list();
        continue;
      }
      const auto [arrival, work] = singles.at(id);
      const Time latency = machine.completed_at.at(id) - arrival;
      if (load.deadline > Time{} && latency > load.deadline) continue;
      outcome.latencies.push_back(to_ms(latency));
      outcome.work_done += work;
    }
  };
  for (int i = 0; i < load.lists; ++i) add_list();
  for (int i = 0; i < load.requests; ++i) {
    now += gap(random);
    const Time time = of_seconds(now);
    book(machine.advance(time));
    const int tokens = texts.next();
    std::optional<Time> deadline;
    if (load.deadline > Time{} && load.bounded) deadline = time + load.deadline;
    if (load.bounded && !machine.queue.admit(time, 1, 1, tokens, deadline).accepted) {
      ++outcome.refused;
      continue;
    }
    const RequestId id = machine.add(1, std::span(&tokens, 1), deadline);
    singles[id] = {time, machine.cost(1, tokens)};
    Machine::Ended ended;
    machine.dispatch(time, ended);
    book(ended);
  }
  outcome.span = now;
  if (load.lists == 0) {
    book(machine.advance(of_seconds(now + 1e6)));
    CHECK(machine.queue.idle());
  }
  return outcome;
}

TEST_CASE("latencies in simulated time: half load, high load, beside long lists", "[schedule]") {
  const double mean = 1e3 * mean_service();
  for (const int workers : {2, 8}) {
    INFO(workers << " workers, mean service " << mean << " ms");
    const Outcome half = simulate({.rate = 0.5}, workers);
    const Outcome high = simulate({.rate = 0.8}, workers);
    const Outcome lists = simulate({.rate = 0.4, .lists = 2}, workers);
    std::cout << "simulated, " << workers << " workers, in mean service times: at 0.5x p50 "
              << percentile(half.latencies, 0.5) / mean << " p99 "
              << percentile(half.latencies, 0.99) / mean << ", at 0.8x p50 "
              << percentile(high.latencies, 0.5) / mean << " p99 "
              << percentile(high.latencies, 0.99) / mean << ", singles beside lists p99 "
              << percentile(lists.latencies, 0.99) / mean << "\n";
    CHECK(half.refused == 0);
    CHECK(lists.refused == 0);  // singles do not wait for the whole of a list
    CHECK(percentile(half.latencies, 0.99) <= 9 * mean);
    CHECK(percentile(high.latencies, 0.5) <= 2.5 * mean);
    CHECK(percentile(high.latencies, 0.99) <= 15 * mean);
    CHECK(percentile(lists.latencies, 0.99) <= 15 * mean);
  }
}

TEST_CASE("overload in simulated time: what is let in is answered in time, and the rest refused",
          "[schedule]") {
  const int workers = 2;
  const auto goodput = [&](const Load& load) {
    const Outcome outcome = simulate(load, workers);
    std::cout << "simulated overload " << load.rate << (load.bounded ? "" : " without a bound")
              << ": goodput " << outcome.work_done / outcome.span / workers << " of capacity, "
              << outcome.refused << " refused, " << outcome.late << " late\n";
    return outcome.work_done / outcome.span / workers;
  };
  for (const double rate : {2.0, 4.0}) {
    CHECK(goodput({.rate = rate, .deadline = 100ms, .max_wait = 50ms}) >= 0.95);
    // The control: everybody waits, and nobody is answered in time.
    CHECK(goodput({.rate = rate, .deadline = 100ms, .bounded = false}) <= 0.2);
  }
}

TEST_CASE("random arrivals: nothing is lost, nothing is done twice, each request ends once",
          "[schedule]") {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    Machine machine({.workers = 1 + below(4), .batch_tokens = 1 + below(100), .max_wait = 1h},
                    kUnit, kToken);
    std::set<RequestId> open;
    std::size_t ended_count = 0, added = 0, cancelled = 0;
    Time now{};
    const auto close = [&](const Machine::Ended& ended) {
      for (const auto* list : {&ended.complete, &ended.late}) {
        for (const RequestId id : *list) {
          CHECK(open.erase(id) == 1);
          ++ended_count;
        }
      }
    };
    for (int step = 0; step < 2000; ++step) {
      now += of_seconds(1e-3 * below(8));
      close(machine.advance(now));
      if (below(10) == 0 && !open.empty()) {
        const auto id = *std::next(open.begin(), below(static_cast<int>(open.size())));
        CHECK(machine.queue.remove(id));
        CHECK_FALSE(machine.queue.remove(id));
        open.erase(id);
        ++cancelled;
        continue;
      }
      std::vector<int> tokens(static_cast<std::size_t>(below(20) == 0 ? 1 + below(40) : 1));
      for (int& each : tokens) each = 1 + below(200);
      std::optional<Time> deadline;
      if (below(3) == 0) deadline = now + of_seconds(1e-3 * below(100));
      open.insert(machine.add(static_cast<ModelId>(1 + below(3)), tokens, deadline));
      ++added;
      Machine::Ended ended;
      machine.dispatch(now, ended);
      close(ended);
    }
    close(machine.advance(now + 24h));
    CHECK(open.empty());
    CHECK(machine.queue.idle());
    CHECK(machine.queue.queued_units() == 0);
    CHECK(machine.queue.wait(now + 48h) == Time{});
    CHECK(ended_count + cancelled == added);
  }
}

TEST_CASE("a text begins no later than its estimated wait and one run", "[schedule]") {
  // Runs of one text each, of a cost that is known exactly.
  Machine machine({.workers = 2, .batch_tokens = 1, .tokens_a_thread = 1 << 20, .max_wait = 1h}, 0,
                  1e-4);
  std::mt19937 random(5);
  std::vector<std::tuple<RequestId, Time, Time>> waits;
  Time now{};
  for (int i = 0; i < 3000; ++i) {
    now += of_seconds(1e-4 * static_cast<double>(random() % 80));
    machine.advance(now);
    const int tokens = 1 + static_cast<int>(random() % 100);
    const Time wait = machine.queue.wait(now);
    waits.emplace_back(machine.add(1, std::span(&tokens, 1)), now, wait);
    Machine::Ended ended;
    machine.dispatch(now, ended);
  }
  machine.advance(now + 24h);
  for (const auto& [id, arrival, wait] : waits) {
    CHECK(to_ms(machine.started(id) - arrival) <= to_ms(wait) * 1.001 + 10.1);
  }
}

RequestId add_to(Queue& queue, ModelId model, std::span<const int> tokens,
                 std::optional<Time> deadline = {}) {
  const RequestId id = queue.new_id();
  queue.add(id, model, tokens, deadline);
  return id;
}

TEST_CASE("a long list does not hold up the texts behind it, nor one model another", "[schedule]") {
  Queue queue({.workers = 1, .batch_tokens = 16});
  const std::vector<int> list(100, 16), one = {10};
  const RequestId long_one = add_to(queue, 1, list);
  const RequestId first = add_to(queue, 1, one);
  const RequestId other = add_to(queue, 2, one);
  std::vector<RequestId> order;
  for (int i = 0; i < 4; ++i) {
    const Run& run = *queue.next({});
    CHECK(queue.next({}) == nullptr);  // the worker is busy
    order.push_back(run.units[0].request);
    queue.finish(run.id, 1ms);
  }
  CHECK(order == std::vector<RequestId>{long_one, other, first, long_one});
}

TEST_CASE("a run takes more texts while it stays small, and free workers join the last one",
          "[schedule]") {
  Queue queue({.workers = 4});
  const auto add = [&](int tokens) { return add_to(queue, 1, std::span(&tokens, 1)); };
  for (const int tokens : {20, 30, 14, 1, 200}) add(tokens);
  const Run& first = *queue.next({});
  CHECK(first.units.size() == 3);  // 64 tokens
  CHECK(first.threads == 1);       // others wait
  const Run& second = *queue.next({});
  CHECK(second.units.size() == 1);
  const Run& third = *queue.next({});
  CHECK(third.units[0].tokens == 200);
  CHECK(third.threads == 2);  // of 12 that the tokens would warrant, those free
  CHECK(queue.next({}) == nullptr);
  CHECK(queue.finish(third.id, 1ms).size() == 1);
  CHECK(queue.finish(first.id, 1ms).size() == 3);
}

TEST_CASE("at the door: the wait, the deadline, and whoever comes alone", "[schedule]") {
  Queue queue({.workers = 2, .max_wait = 50ms});
  for (int i = 0; i < 8; ++i)
    queue.observe(1, 1, 10 + i, of_seconds(1e-3 * (10 + i)));  // 1 ms a token
  const auto admit = [&](std::int64_t tokens, std::optional<Time> deadline = {}) {
    return queue.admit({}, 1, 1, tokens, deadline);
  };
  CHECK(admit(1 << 20).accepted);  // alone, whatever its size
  CHECK_FALSE(admit(1, Time{}).accepted);
  const auto admit_list = [&](std::size_t units) {
    return queue.admit({}, 1, units, static_cast<std::int64_t>(units) * 8, {});
  };
  // Ten texts of 8 tokens: 80 ms of work for two workers. A single waits for one of them, a list for all.
  const std::vector<int> some(10, 8);
  add_to(queue, 1, some);
  CHECK(to_ms(admit(1).wait) == Approx(4).margin(0.5));
  CHECK(to_ms(admit_list(10).wait) == Approx(40).margin(1));
  CHECK(admit_list(0).wait == Time{});  // nothing to compute, nothing to wait for
  CHECK(to_ms(queue.wait({})) == Approx(40).margin(1));
  CHECK(admit(40, Time(50ms)).accepted);
  CHECK_FALSE(admit(49, Time(50ms)).accepted);
  add_to(queue, 1, some);
  CHECK(to_ms(admit_list(10).wait) == Approx(80).margin(1));
  CHECK_FALSE(admit_list(10).accepted);
  CHECK(admit(1).accepted);
}

TEST_CASE("at the door: of each request as many texts are waited for as one has oneself",
          "[schedule]") {
  constexpr double kSeconds = 1e-4;  // a token: what a model that never ran is thought to need
  Queue queue({.workers = 2, .batch_tokens = 1});
  struct Left {
    std::size_t texts;
    int tokens;  // of each
  };
  std::map<RequestId, Left> requests;
  std::mt19937 random(5);
  Time longest{};
  for (int step = 0; step < 2000; ++step) {
    const unsigned what = random() % 4;
    if (what < 2) {
      const Left left{1 + random() % (random() % 2 ? 1 : 9), static_cast<int>(1 + random() % 30)};
      requests[add_to(queue, 1, std::vector<int>(left.texts, left.tokens))] = left;
    } else if (what == 2 && !requests.empty()) {
      queue.remove(requests.begin()->first);
      requests.erase(requests.begin());
    } else if (const Run* run = queue.next({})) {
      const RequestId id = run->units.front().request;
      queue.finish(run->id, {}, false);
      if (--requests.at(id).texts == 0) requests.erase(id);
    }
    for (const std::size_t texts : {1, 4, 100}) {
      double work = 0;
      for (const auto& [id, left] : requests) {
        work += kSeconds * left.tokens * static_cast<double>(std::min(left.texts, texts));
      }
      const Time wait = queue.admit({}, 1, texts, 8, {}).wait;
      CHECK(to_ms(wait) == Approx(1e3 * work / 2).margin(1e-3));
      longest = std::max(longest, wait);
    }
  }
  CHECK(longest > 10ms);
}

TEST_CASE("a wrong estimate does not keep requests from ever being run", "[schedule]") {
  // The model is thought to take 20 s; texts have 100 ms and need 3.
  Machine machine({.workers = 2}, 0, 1e-4);
  for (int i = 0; i < 200; ++i) machine.queue.observe(2, 1, 30, 20s);
  std::size_t complete = 0, late = 0;
  Time now{};
  for (int i = 0; i < 200; ++i) {
    now += 50ms;
    Machine::Ended ended = machine.advance(now);
    const int tokens = 30;
    machine.add(2, std::span(&tokens, 1), now + 100ms);
    machine.dispatch(now, ended);
    Machine::Ended after = machine.advance(now + 40ms);
    complete += ended.complete.size() + after.complete.size();
    late += ended.late.size() + after.late.size();
  }
  CHECK(late == 0);
  CHECK(complete == 200);
  CHECK(to_ms(machine.queue.admit(now, 2, 1, 30, {}).wait) == 0);
  // By now it knows better.
  const int tokens = 30;
  add_to(machine.queue, 2, std::span(&tokens, 1));
  CHECK(to_ms(machine.queue.wait(now)) < 1000);
}

TEST_CASE("costs are learnt, and what they are learnt from is forgotten", "[schedule]") {
  CostModel cost;
  std::mt19937 random(3);
  const auto feed = [&](double a, double b) {
    for (int i = 0; i < 600; ++i) {
      const double units = 1 + random() % 8, tokens = units * (4 + random() % 60);
      const double noise = 1 + 0.1 * (static_cast<double>(random() % 1000) / 500 - 1);
      cost.observe(units, tokens, (a * units + b * tokens) * noise);
    }
    CHECK(cost.seconds(1, 0) + cost.seconds(0, 30) == Approx(a + 30 * b).epsilon(0.1));
    CHECK(cost.seconds(1, 30) == Approx(a + 30 * b).epsilon(0.1));
  };
  feed(1e-4, 2e-5);
  feed(0, 5e-3);
  feed(1e-2, 0);
  // Runs that are all alike, and times that make no sense.
  cost = CostModel();
  for (int i = 0; i < 600; ++i) cost.observe(1, 16, 1e-3);
  CHECK(cost.seconds(1, 16) == Approx(1e-3).epsilon(0.01));
  for (int i = 0; i < 600; ++i) cost.observe(1, 16, 0);
  CHECK(cost.seconds(1, 16) >= 0);
}

}  // namespace
}  // namespace sapwood::schedule
