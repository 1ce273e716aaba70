// What the benchmarks share: written huge-page memory, fast random numbers, one thread for every
// library, and a table of ratios from one run.
#pragma once

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
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

// One timed call, for UseManualTime: set-up between calls is not timed.
template <typename F>
double seconds(const F& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  benchmark::ClobberMemory();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Prints as usual and keeps the fastest repetition of each benchmark, in microseconds.
class Reporter : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override;
  // Fastest repetition's mean time, or 0 where that benchmark did not run.
  double microseconds(const std::string& name) const;

 private:
  std::map<std::string, double> fastest_;
};

}  // namespace sapwood::bench
