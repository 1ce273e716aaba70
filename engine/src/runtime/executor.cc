#include "runtime/executor.h"

#include <sched.h>
#include <tbb/info.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>

namespace sapwood {
namespace {

// CPUs' worth of time that the cgroup of this process grants, or 0 where it sets no limit.
double cgroup_quota() {
  // v2: "max 100000" or "150000 100000". Inside a container the process's own group is the root.
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (v2 >> quota >> period) {
    return quota == "max" || period <= 0 ? 0 : std::strtod(quota.c_str(), nullptr) / period;
  }
  std::ifstream v1_quota("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
      v1_period("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  double granted = 0;
  if (v1_quota >> granted && v1_period >> period && granted > 0 && period > 0)
    return granted / period;
  return 0;
}

}  // namespace

int available_threads() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  int threads = 1;
  if (sched_getaffinity(0, sizeof(mask), &mask) == 0) threads = std::max(1, CPU_COUNT(&mask));
  const double quota = cgroup_quota();
  // A thread more than the quota would only be throttled in the middle of a product.
  if (quota > 0)
    threads = std::min(threads, std::max(1, static_cast<int>(std::floor(quota + 0.01))));
  return threads;
}

struct Executor::Arena {
  // Work is always cut for `threads`, so that results and memory do not depend on the machine; more
  // threads than processors would only wait for each other (and oneTBB prints a warning).
  explicit Arena(int threads) : arena(std::min(threads, tbb::info::default_concurrency())) {}
  tbb::task_arena arena;
};

Executor::Executor(int threads) : threads_(threads) {
  if (threads_ > 1) arena_ = std::make_unique<Arena>(threads_);
}

Executor::~Executor() = default;

void Executor::run(int tasks, Call call, void* context) const {
  arena_->arena.execute([&] {
    tbb::parallel_for(
        0, tasks,
        [&](int task) { call(context, task, tbb::this_task_arena::current_thread_index()); },
        tbb::simple_partitioner());
  });
}

}  // namespace sapwood
