// When queued requests are told that their deadline cannot be met, in simulated time.
#include <map>
#include <random>

#include "catch.h"
#include "schedule/queue.h"

namespace sapwood::schedule {
namespace {

using namespace std::chrono_literals;

TEST_CASE("while a long run keeps the only worker, each request is told when it is late",
          "[schedule]") {
  Queue queue({.workers = 1, .max_wait = 1h});
  for (int tokens = 1; tokens <= 64; ++tokens) {
    queue.observe(1, 1, tokens, tokens * 1ms);
  }
  const int whole = 10'000, one = 10;  // 10 s, and 10 ms
  queue.add(queue.new_id(), 1, std::span(&whole, 1), {});
  REQUIRE(queue.next({}) != nullptr);
  CHECK_FALSE(queue.next_late());  // nobody has a deadline
  std::mt19937 random(1);
  std::map<RequestId, Time> deadlines;
  for (int i = 0; i < 1000; ++i) {
    const RequestId id = queue.new_id();
    deadlines[id] = 20ms + std::chrono::milliseconds(random() % 5000);
    queue.add(id, 1, std::span(&one, 1), deadlines[id]);
  }
  const RequestId patient = queue.new_id();
  queue.add(patient, 1, std::span(&one, 1), {});
  // A timer that wakes when next_late() says so, and never else.
  std::size_t wakes = 0, told = 0;
  Time now{};
  while (const auto next = queue.next_late()) {
    REQUIRE(*next > now);  // it does not spin
    now = *next;
    ++wakes;
    CHECK_FALSE(queue.take_late(now - 1ns));
    while (const auto id = queue.take_late(now)) {
      ++told;
      CHECK(now <= deadlines.at(*id));
      CHECK(now > deadlines.at(*id) - 15ms);  // 10 ms are what it would need
    }
  }
  CHECK(told == deadlines.size());
  CHECK(wakes <= told);
  CHECK(queue.requests() == 2);
  CHECK(queue.queued_units() == 1);
}

}  // namespace
}  // namespace sapwood::schedule
