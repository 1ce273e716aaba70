// The memory that one run needs: the arena and the batch's index arrays, allocated once; and what
// products work in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "run/batch.h"

namespace sapwood {

class Workspace {
 public:
  // For batches of at most this capacity. Throws Error out_of_memory.
  Workspace(const Graph& graph, const Capacity& capacity);

  Batch batch;
  std::vector<OnednnScratch> onednn;  // one a thread

  const Capacity& capacity() const { return capacity_; }
  const Placement& placement(ValueId id) const {
    return plan_.placements[static_cast<std::size_t>(id)];
  }
  float* at(ValueId id) const {
    return reinterpret_cast<float*>(arena_.get() + placement(id).offset);
  }
  // What a thread's products work in; null where they need nothing.
  std::byte* linear_scratch(int thread) const {
    return linear_bytes_ == 0 ? nullptr : arena_.get() + plan_.bytes + linear_bytes_ * thread;
  }
  // Of all of it, as it was requested.
  std::int64_t bytes() const;

 private:
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };
  Capacity capacity_;
  ArenaPlan plan_;
  std::int64_t linear_bytes_;               // of a thread
  std::unique_ptr<std::byte, Free> arena_;  // the values, and behind them what products work in
};

}  // namespace sapwood
