// What the scheduler's threads know of its requests and of each other.
#pragma once

#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "run/packed_run.h"
#include "sapwood/scheduler.h"
#include "schedule/queue.h"

namespace sapwood {
namespace schedule {

inline Time now() { return std::chrono::steady_clock::now().time_since_epoch(); }

inline std::optional<Time> time_of(const Deadline& deadline) {
  if (!deadline) return std::nullopt;
  return deadline->time_since_epoch();
}

// Copies of a model share its configuration.
inline ModelId id_of(const Model& model) { return reinterpret_cast<ModelId>(&model.config()); }

inline Settings settings_of(const SchedulerOptions& options, int workers) {
  if (options.batch_tokens < 1 || options.batch_tokens > kMostBatchTokens) {
    throw Error(ErrorCode::invalid_argument, "batch_tokens: expected 1 to " +
                                                 std::to_string(kMostBatchTokens) + ", found " +
                                                 std::to_string(options.batch_tokens));
  }
  if (options.max_wait < Time::zero()) {
    throw Error(ErrorCode::invalid_argument, "max_wait: expected no negative time");
  }
  Settings settings;
  settings.workers = workers;
  settings.batch_tokens = options.batch_tokens;
  settings.max_wait = options.max_wait;
  return settings;
}

// What one token of a run has cost: its time, as often as it had threads. Those that joined may have left early, so that
// this may be too much.
inline Time time_per_token(const Run& run, Time end) {
  Time::rep tokens = 0;
  for (const Unit& unit : run.units) tokens += unit.tokens;
  return (end - run.begin) * run.threads / std::max<Time::rep>(tokens, 1);
}

// A request that was let in, until its end.
struct AcceptedRequest {
  Request request;
  std::vector<std::pair<std::size_t, std::size_t>> units;  // a job's window each
  Time submitted{};
  std::optional<Time> begun;
  std::exception_ptr error;  // of one of its jobs
  Time processor{};          // of its runs that have ended
  std::thread::id ender;     // who calls done
};

// What a worker is at, as the others see it.
struct Worker {
  const Run* run = nullptr;  // null: nothing
  std::stop_source stop;
  bool taking = false;  // its jobs read their rows, and the texts that they view
};

}  // namespace schedule

}  // namespace sapwood
