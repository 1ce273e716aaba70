#include "run/executor.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "run/cpu_quota.h"

namespace sapwood {

int available_threads() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  int threads = 1;
  if (sched_getaffinity(0, sizeof(mask), &mask) == 0) threads = std::max(1, CPU_COUNT(&mask));
  // A thread more than the quota would only be throttled in the middle of a product.
  if (const std::optional<double> quota = cpu_quota(); quota && *quota < threads) {
    threads = std::max(1, static_cast<int>(std::floor(*quota + 0.01)));
  }
  return threads;
}

// Threads that help one team after the other, and sleep in between. Own threads rather than a task
// library's, because a helper that stays with a run would keep a library's worker from all else.
class Executor::Helpers {
 public:
  explicit Helpers(int count) {
    threads_.reserve(static_cast<std::size_t>(count));
    try {
      for (int i = 0; i < count; ++i) threads_.emplace_back([this, i] { help(i + 1); });
    } catch (const std::exception&) {
      // The system grants no more threads, or no memory for them: those that are there do.
    }
  }

  ~Helpers() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    call_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  // False where they help another team.
  bool join(Team& team) {
    {
      const std::lock_guard lock(mutex_);
      if (team_ != nullptr) return false;
      team_ = &team;
      open_ = true;
      ++calls_;
    }
    call_.notify_all();
    return true;
  }

  // After the team has closed: returns when all have left it.
  void leave() {
    std::unique_lock lock(mutex_);
    open_ = false;  // who has not woken yet stays asleep
    left_.wait(lock, [this] { return inside_ == 0; });
    team_ = nullptr;
  }

 private:
  void help(int thread) {
    std::unique_lock lock(mutex_);
    for (std::uint64_t seen = 0;;) {
      call_.wait(lock, [&] { return stop_ || (open_ && calls_ != seen); });
      if (stop_) return;
      seen = calls_;
      ++inside_;
      lock.unlock();
      team_->help(thread);
      lock.lock();
      if (--inside_ == 0) left_.notify_one();
    }
  }

  std::mutex mutex_;
  std::condition_variable call_, left_;
  Team* team_ = nullptr;
  bool open_ = false, stop_ = false;
  std::uint64_t calls_ = 0;
  int inside_ = 0;  // helpers at work in the team
  std::vector<std::thread> threads_;
};

// Work is always cut for `threads`, so that results and memory do not depend on the machine; more
// threads than processors would only wait for each other.
Executor::Executor(int threads) : threads_(threads) {
  const int helpers = threads > 1 ? std::min(threads, available_threads()) - 1 : 0;
  if (helpers > 0) helpers_ = std::make_unique<Helpers>(helpers);
}

Executor::~Executor() = default;

bool Executor::join(Team& team) const { return helpers_ != nullptr && helpers_->join(team); }
void Executor::leave() const { helpers_->leave(); }

}  // namespace sapwood
