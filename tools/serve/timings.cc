#include "timings.h"

namespace sapwood::serve {
namespace {

using std::chrono::nanoseconds;

// "queue;dur=0.42"
std::string timing_entry(const char* name, nanoseconds time) {
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  const std::string fraction = std::to_string(1000 + microseconds % 1000).substr(1);
  return std::string(name) + ";dur=" + std::to_string(microseconds / 1000) + "." + fraction;
}

}  // namespace

void add_timings(const Call& call, nanoseconds total, Headers& headers) {
  const auto ms = [](nanoseconds time) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
  };
  headers.emplace_back("x-compute-type", "cpu");
  headers.emplace_back("x-compute-time", ms(total));
  headers.emplace_back("x-compute-characters", std::to_string(call.plan.characters));
  headers.emplace_back("x-compute-tokens", std::to_string(call.plan.tokens));
  headers.emplace_back("x-total-time", ms(total));
  headers.emplace_back("x-tokenization-time", ms(call.tokenizing));
  headers.emplace_back("x-queue-time", ms(call.queued));
  headers.emplace_back("x-inference-time", ms(call.computed));
  headers.emplace_back(
      "server-timing",
      timing_entry("tokenization", call.tokenizing) + ", " + timing_entry("queue", call.queued) +
          ", " + timing_entry("inference", call.computed) + ", " + timing_entry("total", total) +
          ", " + timing_entry("processor", call.tokenizing + call.processor));
}

}  // namespace sapwood::serve
