// What the service counts, in Prometheus' text format 0.0.4. Names that begin with te_ mean what they mean in
// text-embeddings-inference.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "problem.h"
#include "sapwood/scheduler.h"

namespace sapwood::serve {

class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds)
      : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}
  void observe(double value);
  void write(std::string& out, std::string_view name, std::string_view help) const;

 private:
  std::vector<double> bounds_;  // ascending
  std::vector<std::uint64_t>
      counts_;  // of each bound those that are in no smaller one; the last: all others
  double sum_ = 0;
};

// Upper bounds in seconds: 35 from 15 microseconds, each 1.5 times the one before.
std::vector<double> duration_bounds();

// How a request that wanted something computed has ended.
struct RequestEnd {
  std::optional<Problem> problem;
  bool list = false;
  bool embeds = false;                // else it predicts
  std::size_t items = 0;              // known once its body was read
  std::vector<std::int64_t> lengths;  // tokens of its texts
  std::chrono::nanoseconds total{}, tokenizing{}, queued{}, computed{};
};

class Metrics {
 public:
  Metrics();

  void answered(int status);  // any request
  void ended(const RequestEnd& end);
  void refused(std::string_view reason);  // with 429
  void left();
  void reloaded(bool done);

  std::string text(const SchedulerStatistics& scheduler) const;

 private:
  using Counts = std::map<std::string, std::uint64_t, std::less<>>;  // by a label's value

  static void add(Counts& counts, std::string_view label, std::uint64_t count = 1);

  mutable std::mutex mutex_;
  Counts requests_, successes_, failures_, statuses_, refusals_, reloads_;
  std::uint64_t left_ = 0;
  std::uint64_t embedded_ = 0, embed_successes_ = 0, predicted_ = 0, predict_successes_ = 0;
  Histogram total_, tokenizing_, queued_, computed_, lengths_;
};

}  // namespace sapwood::serve
