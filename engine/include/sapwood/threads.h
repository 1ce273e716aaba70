// The helper threads that models and sessions share.
#pragma once

#include <memory>

#include "sapwood/export.h"

namespace sapwood {

// One team of helper threads for any number of models and sessions; copies share it. A run uses the
// thread that calls it and as many helpers as it may have and the others leave over: the callers at
// work and their helpers together are never more than size(), unless there are more callers than
// that. A caller never waits for a helper to come.
//
// After a fork() the helpers exist in the parent alone: in the child every run computes on its
// caller's thread, with the same results. fork() while another thread is inside a run is undefined,
// as with every library that has threads.
class SAPWOOD_API Threads {
 public:
  // `count`: the caller's own thread included; 0: all that affinity mask and cgroup quota allow. With
  // 1 nothing is started. Throws Error invalid_argument unless 0 <= count <= 1024.
  explicit Threads(int count = 1);

  int size() const noexcept;

  // Callers and helpers at work now, and the most there ever were at once.
  int awake() const noexcept;
  int most_awake() const noexcept;

 private:
  friend struct ThreadsAccess;  // the engine's runs
  class SAPWOOD_LOCAL Helpers;
  std::shared_ptr<Helpers> helpers_;
};

// CPUs that this process may really use: the affinity mask, bounded by the CPU quota of its control
// groups (v2 and v1), at least 1.
SAPWOOD_API int available_threads();

}  // namespace sapwood
