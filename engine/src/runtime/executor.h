// Where the work of one request runs: on the caller's thread, or on a few threads beside it.
#pragma once

#include <memory>
#include <type_traits>

namespace sapwood {

// Threads this process may really use: the affinity mask, bounded by the cgroup's CPU quota (v2 and
// v1), at least 1.
int available_threads();

class Executor {
 public:
  // threads >= 1. With one thread nothing is started and nothing is allocated, ever.
  explicit Executor(int threads);
  ~Executor();

  int threads() const { return threads_; }

  // Calls f(task, thread) once for each task in [0, tasks), in any order; thread is in [0,
  // threads()) and no two calls run at once with the same one. Returns when all are done.
  template <class F>
  void for_each(int tasks, F&& f) const {
    if (threads_ == 1 || tasks <= 1) {
      for (int i = 0; i < tasks; ++i) f(i, 0);
      return;
    }
    run(
        tasks,
        [](void* context, int task, int thread) {
          (*static_cast<std::remove_reference_t<F>*>(context))(task, thread);
        },
        &f);
  }

 private:
  using Call = void (*)(void* context, int task, int thread);
  void run(int tasks, Call call, void* context) const;

  struct Arena;
  int threads_;
  std::unique_ptr<Arena> arena_;
};

}  // namespace sapwood
