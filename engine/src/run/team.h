// The threads that work on one run together: the caller, and helpers that join when they can.
//
// A run is some hundred short steps, each a few microseconds of work for each thread. Putting a
// thread to sleep and waking it takes longer than that, so helpers wait for the next step awake,
// and go when the run ends. Nobody waits for a helper to come: whoever is there takes the next
// task.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

namespace sapwood {

class Team {
 public:
  explicit Team(int threads) : threads_(threads) {}
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int threads() const { return threads_; }

  // For the caller: f(task, thread) once for each task in [0, tasks), in any order; thread is in
  // [0, threads()) and no two calls run at once with the same one. Returns when all are done. f
  // must not throw; tasks < 2^31.
  template <class F>
  void for_each(int tasks, F&& f) {
    if (threads_ == 1 || tasks <= 1) {
      for (int i = 0; i < tasks; ++i) f(i, kCaller);
      return;
    }
    run(
        tasks,
        [](void* context, int task, int thread) {
          (*static_cast<std::remove_reference_t<F>*>(context))(task, thread);
        },
        &f);
  }

  // For helpers, each with a number of its own in [1, threads()): takes tasks until the team is
  // closed.
  void help(int thread);
  // For the caller: no more tasks will come.
  void close() { closed_.store(true, std::memory_order_release); }

 private:
  using Call = void (*)(void* context, int task, int thread);
  void run(int tasks, Call call, void* context);
  bool take_one(int thread);

  static constexpr int kCaller = 0;  // among the threads

  const int threads_;
  // The current step. Read only by who has taken one of its tasks: until that is done, the step
  // stays.
  Call call_ = nullptr;
  void* context_ = nullptr;
  // The step's count of tasks (high half) and the next to take (low half), so that taking one tells
  // whether it was there.
  alignas(64) std::atomic<std::uint64_t> tickets_{0};
  alignas(64) std::atomic<int> done_{0};
  std::atomic<bool> closed_{false};
};

}  // namespace sapwood
