// Where the work of one request runs: on the caller's thread, or on a few threads beside it.
#pragma once

#include <memory>

#include "run/team.h"

namespace sapwood {

// Threads this process may really use: the affinity mask, bounded by cpu_quota(), at least 1.
int available_threads();

// The threads that help runs, one set for each model. They sleep between runs.
class Executor {
 public:
  // threads >= 1. With one thread nothing is started and nothing is allocated, ever.
  explicit Executor(int threads);
  ~Executor();

  int threads() const { return threads_; }

  // Calls work(team) on the caller's thread. Callers may be many at once: one has the helpers, the
  // others compute alone. `work` must not throw.
  template <class F>
  void run(F&& work) const {
    Team team(threads_);
    const bool helped = join(team);
    work(team);
    team.close();
    if (helped) leave();
  }

 private:
  bool join(Team& team) const;
  void leave() const;

  class Helpers;
  int threads_;
  std::unique_ptr<Helpers> helpers_;
};

}  // namespace sapwood
