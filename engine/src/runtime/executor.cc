#include "runtime/executor.h"

#include <sched.h>
#include <tbb/info.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

namespace sapwood {
namespace {

// oneTBB's library is not instrumented, so the thread sanitizer is told that a helper sees the team
// as it was made. The closure that oneTBB carries is read before that can be said, so what reads it
// is left out. All else is between the team's atomics.
#ifdef __SANITIZE_THREAD__
#define SAPWOOD_CARRIED __attribute__((no_sanitize_thread))
void release(void* mark) { __tsan_release(mark); }
void acquire(void* mark) { __tsan_acquire(mark); }
#else
#define SAPWOOD_CARRIED
void release(void*) {}
void acquire(void*) {}
#endif

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
  explicit Arena(int threads)
      : helpers(std::min(threads, tbb::info::default_concurrency()) - 1), arena(helpers + 1) {}
  int helpers;
  tbb::task_arena arena;
};

Executor::Executor(int threads) : threads_(threads) {
  if (threads_ > 1) arena_ = std::make_unique<Arena>(threads_);
}

Executor::~Executor() = default;

void Executor::gather(Work work, void* context) const {
  arena_->arena.execute([&] {
    // Isolated: while this waits for its helpers to leave, it must not begin another caller's run.
    tbb::this_task_arena::isolate([&] {
      Team team(threads_);
      team.open(tbb::this_task_arena::current_thread_index());
      tbb::task_group helpers;
      release(&team);
      for (int i = 0; i < arena_->helpers; ++i) {
        helpers.run([&team]() SAPWOOD_CARRIED {
          acquire(&team);
          team.help(tbb::this_task_arena::current_thread_index());
        });
      }
      // Left behind, helpers would wait for ever; and the sink of a run may not throw through here.
      work(context, team);
      team.close();
      helpers.wait();
    });
  });
}

}  // namespace sapwood
