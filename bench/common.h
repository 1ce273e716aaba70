// What the benchmarks share: written huge-page memory, fast random numbers, one thread for every
// library, and a table of ratios from one run.
#pragma once

#include <benchmark/benchmark.h>
#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace sapwood::bench {

// n floats, 2 MiB aligned, on transparent huge pages where the system has them. For all contestants
// alike: CMM and dense weights are the same kind of memory.
class Buffer {
 public:
  explicit Buffer(std::size_t n);
  ~Buffer();
  Buffer(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  float* data() { return data_; }
  const float* data() const { return data_; }
  std::size_t size() const { return n_; }

 private:
  float* data_;
  std::size_t n_, bytes_;
};

// Fills with values of mean 0 and standard deviation `scale`: a sum of four uniform numbers.
void fill_random(float* values, std::size_t n, float scale, std::uint64_t seed);

// Starts the program again with one thread for every library, unless it already runs so. Call first
// in main.
void use_one_thread(char** argv);

// The largest |a - b| / (1 + |b|).
double largest_error(const float* a, const float* b, std::size_t n);

// Ends the program with a message where a comparison fails: a wrong result must not be timed.
void require(bool condition, const std::string& message);

// The time this thread computes in one call, for UseManualTime: set-up between calls is not timed,
// and neither is the time that other programs take the processor away. Every contestant runs in the
// calling thread.
//
// The thread's own clock is a system call and takes longer than the fastest calls here; the other
// clock is exact but counts what others take away. The lesser of the two is the call's.
template <typename F>
double seconds(const F& f) {
  const auto now = [](clockid_t clock) {
    timespec time;
    clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  const double thread = now(CLOCK_THREAD_CPUTIME_ID), start = now(CLOCK_MONOTONIC);
  f();
  benchmark::ClobberMemory();
  const double end = now(CLOCK_MONOTONIC);
  return std::min(end - start, now(CLOCK_THREAD_CPUTIME_ID) - thread);
}

// Times calls until the benchmark has enough of them; the counter "median" is that of all calls, in
// us.
template <typename SetUp, typename F>
void time_calls(benchmark::State& state, const SetUp& set_up, const F& f) {
  std::vector<double> calls;
  for (auto _ : state) {
    set_up();
    calls.push_back(seconds(f));
    state.SetIterationTime(calls.back());
  }
  const auto middle = calls.begin() + static_cast<std::ptrdiff_t>(calls.size() / 2);
  std::nth_element(calls.begin(), middle, calls.end());
  state.counters["median"] = *middle * 1e6;
}

// Registers a benchmark that times itself (time_calls).
void add_benchmark(const std::string& name, std::function<void(benchmark::State&)> f);

// Prints as usual and keeps the least median of each benchmark's repetitions, in microseconds.
class Reporter : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override;
  // 0 where that benchmark did not run.
  double microseconds(const std::string& name) const;
  // Whether a benchmark ran whose name starts so.
  bool any(const std::string& prefix) const;

 private:
  std::map<std::string, double> fastest_;
};

}  // namespace sapwood::bench
