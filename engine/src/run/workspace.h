// The memory that one run needs: the arena and the batch's index arrays, allocated once; and what
// oneDNN's products work in.
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
  // Of the arena and the batch, as they were requested.
  std::int64_t bytes() const;

 private:
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };
  Capacity capacity_;
  ArenaPlan plan_;
  std::unique_ptr<std::byte, Free> arena_;
};

}  // namespace sapwood
