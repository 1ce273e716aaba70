// The threads that work on one run together: the caller, and helpers that join when they can.
//
// A run is some hundred short steps, each a few microseconds of work for each thread. Putting a
// thread to sleep and waking it takes longer than that, so helpers wait for the next step awake,
// and go when the run ends. Nobody waits for a helper to come: whoever is there takes the next
// task.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <type_traits>

namespace sapwood {

class Team {
 public:
  static constexpr int kMostThreads = 1024;

  // 1 <= threads <= kMostThreads.
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

  // For the caller: no more tasks will come.
  void close() { closed_.store(true, std::memory_order_release); }

  // --- for helpers

  // Takes tasks, as `thread`, until the team is closed or the helper is asked to leave.
  void help(int thread);
  // Asks one of the helpers to leave after the task that it is at.
  void dismiss_one() { dismissed_.fetch_add(1, std::memory_order_relaxed); }

  // What follows is guarded by the mutex of whoever sends the helpers.

  bool wants_helper() const { return inside_ + 1 < threads_ && !closed_.load(); }
  // A number in [1, threads()) for a helper that comes, and back when it goes.
  int enter();
  void leave(int thread);
  int inside() const { return inside_; }

  Team* next_open = nullptr;  // in the list of teams with helpers
  int asked_to_leave = 0;     // of those inside, at most inside()

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
  std::atomic<int> dismissed_{0};
  int inside_ = 0;
  std::array<std::uint64_t, kMostThreads / 64> numbers_{};  // those of helpers inside, a bit each
};

class Threads;

// The way of the engine's runs to the helpers.
struct ThreadsAccess {
  // Calls work(context, team) on the caller's thread, with up to `count` - 1 helpers.
  using Work = void (*)(void* context, Team& team);
  static void run(const Threads& threads, int count, Work work, void* context);
};

}  // namespace sapwood
