#include "common.h"

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <new>

namespace sapwood::bench {

Buffer::Buffer(std::size_t n) : n_(n) {
  constexpr std::size_t kHuge = std::size_t{2} << 20;
  bytes_ = (n * sizeof(float) + kHuge - 1) / kHuge * kHuge;
  data_ = static_cast<float*>(std::aligned_alloc(kHuge, bytes_));
  if (data_ == nullptr) throw std::bad_alloc();
  madvise(data_, bytes_, MADV_HUGEPAGE);
  for (std::size_t i = 0; i < n; i += 1024) data_[i] = 0.0f;  // every page is written
}

Buffer::~Buffer() { std::free(data_); }

Buffer::Buffer(Buffer&& other) noexcept : data_(other.data_), n_(other.n_), bytes_(other.bytes_) {
  other.data_ = nullptr;
}

void fill_random(float* values, std::size_t n, float scale, std::uint64_t seed) {
  std::uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
  const float unit = scale * 1.7320508f / 65536.0f;  // four uniform numbers have variance 4 / 12
  for (std::size_t i = 0; i < n; ++i) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    const std::int64_t sum = static_cast<std::int64_t>((state & 0xffff) + (state >> 16 & 0xffff) +
                                                       (state >> 32 & 0xffff) + (state >> 48));
    values[i] = static_cast<float>(sum - 2 * 65535) * unit;
  }
}

void use_one_thread(char** argv) {
  const char* threads = std::getenv("OMP_NUM_THREADS");
  if (threads != nullptr && std::string(threads) == "1") return;
  // OpenMP libraries read this before main.
  setenv("OMP_NUM_THREADS", "1", 1);
  execv("/proc/self/exe", argv);
  std::perror("cannot restart with OMP_NUM_THREADS=1");
  std::exit(1);
}

double largest_error(const float* a, const float* b, std::size_t n) {
  double largest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double error = std::abs(double{a[i]} - b[i]) / (1 + std::abs(double{b[i]}));
    if (!(error <= largest)) largest = error;
  }
  return largest;
}

void require(bool condition, const std::string& message) {
  if (condition) return;
  std::fprintf(stderr, "not timed: %s\n", message.c_str());
  std::exit(1);
}

void add_benchmark(const std::string& name, std::function<void(benchmark::State&)> f) {
  benchmark::RegisterBenchmark(name.c_str(), [f](benchmark::State& state) { f(state); })
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}

namespace {

// Google Benchmark 1.8 replaced error_occurred.
template <class Run>
bool failed(const Run& run) {
  if constexpr (requires { run.error_occurred; }) {
    return run.error_occurred;
  } else {
    return run.skipped != 0;
  }
}

}  // namespace

void Reporter::ReportRuns(const std::vector<Run>& runs) {
  for (const Run& run : runs) {
    if (failed(run) || run.run_type != Run::RT_Iteration) continue;
    const auto median = run.counters.find("median");
    if (median == run.counters.end()) continue;
    const double time = median->second.value;
    const std::string name = run.run_name.function_name + "/" + run.run_name.args;
    double& fastest = fastest_.try_emplace(name, time).first->second;
    if (time < fastest) fastest = time;
  }
  ConsoleReporter::ReportRuns(runs);
}

double Reporter::microseconds(const std::string& name) const {
  const auto found = fastest_.find(name);
  return found == fastest_.end() ? 0.0 : found->second;
}

bool Reporter::any(const std::string& prefix) const {
  const auto found = fastest_.lower_bound(prefix);
  return found != fastest_.end() && found->first.starts_with(prefix);
}

}  // namespace sapwood::bench
