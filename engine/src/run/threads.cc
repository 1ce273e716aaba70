#include "sapwood/threads.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "base/border.h"
#include "run/cpu_quota.h"
#include "run/team.h"
#include "sapwood/error.h"

namespace sapwood {

int available_threads() try {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  int threads = 1;
  if (sched_getaffinity(0, sizeof(mask), &mask) == 0) threads = std::max(1, CPU_COUNT(&mask));
  // A thread more than the quota would only be throttled in the middle of a product.
  if (const std::optional<double> quota = cpu_quota()) {
    threads = std::min(threads, std::max(1, static_cast<int>(std::floor(*quota + 0.01))));
  }
  return threads;
} catch (...) {
  throw_as_error();
}

// Threads that help one team after the other, and sleep in between. Own threads rather than a task
// library's, because a helper that stays with a run would keep a library's worker from all else.
class Threads::Helpers {
 public:
  explicit Helpers(int size) : size_(size), process_(::getpid()) {
    // Work is cut for `size` threads whatever the machine, so that results and memory do not depend
    // on it; more threads than processors would only wait for each other.
    const int helpers = size > 1 ? std::min(size, available_threads()) - 1 : 0;
    threads_.reserve(static_cast<std::size_t>(helpers));
    try {
      for (int i = 0; i < helpers; ++i) threads_.emplace_back([this] { live(); });
    } catch (const std::system_error&) {
      // The system grants no more: those that are there do.
    } catch (...) {
      end();
      throw;
    }
  }

  ~Helpers() {
    if (::getpid() == process_) {
      end();
    } else {
      // In the child of a fork there are no threads to join.
      for (std::thread& thread : threads_) thread.detach();
    }
  }

  int size() const noexcept { return size_; }
  int awake() const noexcept { return awake_.load(std::memory_order_relaxed); }
  int most_awake() const noexcept { return most_awake_.load(std::memory_order_relaxed); }

  void run(int threads, ThreadsAccess::Work work, void* context) {
    Team team(std::clamp(threads, 1, size_));
    if (threads_.empty() || ::getpid() != process_) {
      count_awake(1);
      work(context, team);
      count_awake(-1);
      return;
    }
    begin(team);
    work(context, team);
    team.close();
    finish(team);
  }

 private:
  void begin(Team& team) {
    {
      const std::lock_guard lock(mutex_);
      dismiss_surplus(awake() + 1 - size_);
      count_awake(1);
      if (team.threads() > 1) {
        team.next_open = open_;
        open_ = &team;
      }
    }
    if (team.threads() > 1) call_.notify_all();
  }

  // Asks as many helpers to leave, so that a caller who comes finds a processor. They count as awake
  // no longer, though each finishes the task that it is at.
  void dismiss_surplus(int surplus) {
    for (Team* team = open_; team != nullptr && surplus > 0; team = team->next_open) {
      for (; surplus > 0 && team->asked_to_leave < team->inside(); --surplus) {
        team->dismiss_one();
        ++team->asked_to_leave;
        count_awake(-1);
      }
    }
  }

  // Returns when all helpers have left the team, which stays in the list until then: a caller who
  // comes meanwhile may ask them to leave.
  void finish(Team& team) {
    std::unique_lock lock(mutex_);
    left_.wait(lock, [&team] { return team.inside() == 0; });
    Team** at = &open_;
    while (*at != nullptr && *at != &team) at = &(*at)->next_open;
    if (*at != nullptr) *at = team.next_open;
    count_awake(-1);
    // Another team may have the processor that is free now.
    const bool others = open_ != nullptr;
    lock.unlock();
    if (others) call_.notify_one();
  }

  // A team that lacks a helper, where one more may be awake.
  Team* wanting() const {
    if (awake() >= size_) return nullptr;
    for (Team* team = open_; team != nullptr; team = team->next_open) {
      if (team->wants_helper()) return team;
    }
    return nullptr;
  }

  void live() {
    std::unique_lock lock(mutex_);
    for (;;) {
      Team* team = nullptr;
      call_.wait(lock, [&] { return stop_ || (team = wanting()) != nullptr; });
      if (stop_) return;
      const int number = team->enter();
      count_awake(1);
      lock.unlock();
      team->help(number);
      lock.lock();
      team->leave(number);
      // Of those inside, as many as were asked to leave are not counted, whichever they are.
      if (team->asked_to_leave > 0) {
        --team->asked_to_leave;
      } else {
        count_awake(-1);
      }
      if (team->inside() == 0) left_.notify_all();
    }
  }

  void count_awake(int more) {
    const int awake = awake_.fetch_add(more, std::memory_order_relaxed) + more;
    int most = most_awake_.load(std::memory_order_relaxed);
    while (awake > most && !most_awake_.compare_exchange_weak(most, awake)) {
    }
  }

  void end() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    call_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  const int size_;
  const pid_t process_;  // whose threads these are
  std::mutex mutex_;     // guards what follows, and what teams say of their helpers
  std::condition_variable call_, left_;
  Team* open_ = nullptr;  // the teams that helpers may join, or are still in
  bool stop_ = false;
  std::atomic<int> awake_{0}, most_awake_{0};
  std::vector<std::thread> threads_;
};

Threads::Threads(int count) try {
  if (count < 0 || count > Team::kMostThreads) {
    throw Error(ErrorCode::invalid_argument, "threads: expected 0 to " +
                                                 std::to_string(Team::kMostThreads) + ", found " +
                                                 std::to_string(count));
  }
  helpers_ = std::make_shared<Helpers>(count == 0 ? available_threads() : count);
} catch (...) {
  throw_as_error();
}

int Threads::size() const noexcept { return helpers_->size(); }
int Threads::awake() const noexcept { return helpers_->awake(); }
int Threads::most_awake() const noexcept { return helpers_->most_awake(); }

void ThreadsAccess::run(const Threads& threads, int count, Work work, void* context) {
  threads.helpers_->run(count, work, context);
}

}  // namespace sapwood
