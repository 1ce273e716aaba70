#include "run/run_pool.h"

namespace sapwood {

std::unique_ptr<PackedRun> RunPool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      std::unique_ptr<PackedRun> run = std::move(free_.back());
      free_.pop_back();
      return run;
    }
    free_.reserve(++made_);  // so that giving back cannot fail
  }
  return std::make_unique<PackedRun>(graph_, capacity_);
}

void RunPool::give_back(std::unique_ptr<PackedRun> run) noexcept {
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(run));
}

}  // namespace sapwood
