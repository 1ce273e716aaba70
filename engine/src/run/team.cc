#include "run/team.h"

#include <immintrin.h>

#include <bit>
#include <thread>

namespace sapwood {
namespace {

// Looks at an atomic before giving the processor to another program: some 20 to 100 us. Steps that
// keep a helper waiting are shorter, unless threads outnumber processors.
constexpr int kLooks = 2000;

class Wait {
 public:
  void again() {
    if (++looks_ < kLooks) {
      _mm_pause();
    } else {
      std::this_thread::yield();
    }
  }
  void restart() { looks_ = 0; }

 private:
  int looks_ = 0;
};

constexpr std::uint64_t kNext = 0xffffffff;
constexpr bool is_task(std::uint64_t ticket) { return (ticket & kNext) < ticket >> 32; }

}  // namespace

bool Team::take_one(int thread) {
  // Looking first leaves the line shared while there is nothing to take, and keeps the low half
  // from running over.
  if (!is_task(tickets_.load(std::memory_order_relaxed))) return false;
  const std::uint64_t ticket = tickets_.fetch_add(1, std::memory_order_acquire);
  if (!is_task(ticket)) return false;
  call_(context_, static_cast<int>(ticket & kNext), thread);
  done_.fetch_add(1, std::memory_order_release);
  return true;
}

void Team::run(int tasks, Call call, void* context) {
  call_ = call;
  context_ = context;
  done_.store(0, std::memory_order_relaxed);
  tickets_.store(std::uint64_t(tasks) << 32, std::memory_order_release);
  while (take_one(kCaller)) {
  }
  for (Wait wait; done_.load(std::memory_order_acquire) != tasks;) wait.again();
}

void Team::help(int thread) {
  for (Wait wait; !closed_.load(std::memory_order_acquire);) {
    for (int asked = dismissed_.load(std::memory_order_relaxed); asked > 0;) {
      if (dismissed_.compare_exchange_weak(asked, asked - 1, std::memory_order_relaxed)) return;
    }
    if (take_one(thread)) {
      wait.restart();
    } else {
      wait.again();
    }
  }
}

int Team::enter() {
  ++inside_;
  for (std::size_t i = 0; i < numbers_.size(); ++i) {
    const int bit = std::countr_one(numbers_[i] | (i == 0 ? 1U : 0U));  // 0 is the caller's
    if (bit == 64) continue;
    numbers_[i] |= std::uint64_t{1} << bit;
    return static_cast<int>(i) * 64 + bit;
  }
  return 0;  // never: wants_helper was asked
}

void Team::leave(int thread) {
  --inside_;
  numbers_[static_cast<std::size_t>(thread) / 64] &= ~(std::uint64_t{1} << thread % 64);
}

}  // namespace sapwood
