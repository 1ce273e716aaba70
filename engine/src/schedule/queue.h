// The decisions of the scheduler: which request is let in, and what a free worker computes next. A pure function
// of what it was told and of the times it is given, without threads or clocks, so that tests simulate hours in
// seconds. Where an allocation fails, nothing has changed; what ends something allocates nothing.
//
// A request is a list of units: texts of one model with their tokens. Requests of a model take turns unit by unit,
// and models take turns run by run, so that a long list does not starve the short ones behind it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "schedule/cost.h"

namespace sapwood::schedule {

using Time = std::chrono::nanoseconds;  // since any fixed moment
using RequestId = std::uint64_t;
using RunId = std::uint64_t;
using ModelId = std::uint64_t;

struct Settings {
  int workers = 1;
  int batch_tokens = 64;     // of a run, beyond its first unit
  int tokens_a_thread = 16;  // of a run that idle workers join: one for each so many
  Time max_wait = std::chrono::seconds(1);
};

struct Verdict {
  bool accepted = false;
  Time
      wait{};  // until the request's turn, as estimated; of a refusal: after which a place is expected
};

struct Unit {
  RequestId request;
  std::size_t index;  // in the request
  int tokens;
};

struct Run {
  RunId id = 0;
  ModelId model = 0;
  std::vector<Unit> units;  // at least one
  int threads = 1;          // that may compute it: where nobody waits, workers that are free join
  Time begin{};
  std::vector<RequestId> complete;  // room for the requests that it completes
};

class Queue {
 public:
  explicit Queue(const Settings& settings) : settings_(settings) {}

  // Whether a request of so many units and tokens would be let in. It is refused where its estimated wait is over
  // Settings::max_wait, or where it would not be answered before its deadline; but never where nothing is
  // queued or under way and the deadline has not passed. Since requests take turns, a short one waits for as many units
  // of each other request as it has itself, at most, and not for all of a list.
  Verdict admit(Time now, ModelId model, std::size_t units, std::int64_t tokens,
                std::optional<Time> deadline) const;

  RequestId new_id() { return ++last_id_; }

  // Queues a request with at least one unit under a new id, whatever admit() says.
  void add(RequestId id, ModelId model, std::span<const int> tokens, std::optional<Time> deadline);

  // Takes a request back: none of its units is handed out any more, and it is forgotten. False where it is unknown.
  bool remove(RequestId request) noexcept;

  // A request that can no longer be answered before its deadline, removed. What the estimate says counts only
  // while other work is in its way: else it might be wrong for ever.
  std::optional<RequestId> take_late(Time now) noexcept;

  // Until when take_late() has nothing to give, unless something changes; null: for ever.
  std::optional<Time> next_late() const noexcept;

  // What a free worker shall compute, valid until it is finished; null where nothing is queued or no worker is free. Call
  // take_late first.
  const Run* next(Time now);

  // A run has ended. `computed`: to its end, so that its time says what such runs cost. Returns the requests
  // whose last unit it was, which are forgotten.
  std::vector<RequestId> finish(RunId run, Time now, bool computed = true) noexcept;

  // What one thread needed for a run that was not handed out, such as one to warm up.
  void observe(ModelId model, std::size_t units, std::int64_t tokens, Time needed);

  // Forgets what a model costs, and takes its requests back; runs under way end as others do.
  std::vector<RequestId> forget(ModelId model);

  bool idle() const { return requests_.empty() && runs_.empty(); }
  std::size_t requests() const { return requests_.size(); }
  std::size_t queued_units() const { return queued_units_; }
  // Processor seconds queued and under way, over the workers.
  Time wait(Time now) const;

 private:
  struct Request {
    ModelId model;
    std::vector<int> tokens;  // of each unit
    std::size_t next = 0;     // unit to hand out
    std::size_t left = 0;     // units not computed
    std::optional<Time> deadline;
    Time latest_start{};  // its place in deadlines_
    std::int64_t queued_tokens = 0;
  };
  struct Model {
    CostModel cost;
    std::list<RequestId> turns;  // requests with units to hand out; those that are gone are skipped
    std::int64_t queued_tokens = 0;
    std::size_t queued_units = 0;
    bool in_turn = false;
  };
  static double seconds(Time time) { return std::chrono::duration<double>(time).count(); }
  static Time time(double seconds);
  double cost_left(const Request& request) const;
  double under_way(Time now) const;  // processor seconds
  double queued() const;             // the same
  Time latest_start(const Request& request) const;
  bool has_units(Model& model) noexcept;
  Unit take_unit(Model& model) noexcept;
  void erase(std::map<RequestId, Request>::iterator request) noexcept;

  Settings settings_;
  std::map<ModelId, Model> models_;
  std::list<ModelId> turns_;  // models with queued units
  std::map<RequestId, Request> requests_;
  std::set<std::pair<Time, RequestId>> deadlines_;
  std::set<RequestId> lists_;  // requests with several units to hand out
  std::map<RunId, Run> runs_;
  std::size_t queued_units_ = 0;
  std::uint64_t last_id_ = 0;
};

}  // namespace sapwood::schedule
