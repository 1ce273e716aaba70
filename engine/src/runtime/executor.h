// Where the work of one request runs: on the caller's thread, or on a few threads beside it.
#pragma once

#include <memory>
#include <type_traits>

#include "runtime/team.h"

namespace sapwood {

// Threads this process may really use: the affinity mask, bounded by the cgroup's CPU quota (v2 and
// v1), at least 1.
int available_threads();

// Starts the threads of runs, one pool for each model. oneTBB's threads sleep between runs.
class Executor {
 public:
  // threads >= 1. With one thread nothing is started and nothing is allocated, ever.
  explicit Executor(int threads);
  ~Executor();

  int threads() const { return threads_; }

  // Calls work(team) on the caller's thread, with the other threads as its helpers. Callers may be
  // many at once: helpers that are busy with another team do not come.
  template <class F>
  void run(F&& work) const {
    if (threads_ == 1) {
      Team alone(1);
      work(alone);
      return;
    }
    gather([](void* context,
              Team& team) { (*static_cast<std::remove_reference_t<F>*>(context))(team); },
           &work);
  }

 private:
  using Work = void (*)(void* context, Team& team);
  void gather(Work work, void* context) const;

  struct Arena;
  int threads_;
  std::unique_ptr<Arena> arena_;
};

}  // namespace sapwood
