// Work on a team of threads that may throw.
#pragma once

#include <atomic>
#include <exception>
#include <mutex>

#include "run/team.h"
#include "sapwood/threads.h"

namespace sapwood {

// Calls f(task, thread) for each task in [0, tasks) on the calling thread and on up to threads - 1 helpers;
// thread is in [0, threads) and no two calls run at once with the same one. When a call throws, no task is begun
// any more, and the first exception comes out here when those under way have ended.
template <class F>
void parallel_for(const Threads& team, int threads, int tasks, F&& f) {
  struct Context {
    F& f;
    int tasks;
    std::atomic<bool> failed{false};
    std::mutex mutex;
    std::exception_ptr first;

    void call(int task, int thread) noexcept {
      if (failed.load(std::memory_order_relaxed)) return;
      try {
        f(task, thread);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!first) first = std::current_exception();
        failed.store(true, std::memory_order_relaxed);
      }
    }
  } context{f, tasks};
  ThreadsAccess::run(
      team, threads,
      [](void* at, Team& members) {
        auto& c = *static_cast<Context*>(at);
        members.for_each(c.tasks, [&c](int task, int thread) { c.call(task, thread); });
      },
      &context);
  if (context.first) std::rethrow_exception(context.first);
}

}  // namespace sapwood
