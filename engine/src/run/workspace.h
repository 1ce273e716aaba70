// The memory that one run needs: the arena and the batch's index arrays, allocated once; and what
// oneDNN's products work in.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <vector>

#include "run/batch.h"

namespace sapwood {

class Workspace {
 public:
  // Throws Error out_of_memory.
  explicit Workspace(const Graph& graph);

  Batch batch;
  std::vector<OnednnScratch> onednn;  // one a thread
  float* at(const Value& value) const {
    return reinterpret_cast<float*>(arena_.get() + value.offset);
  }

 private:
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };
  std::unique_ptr<std::byte, Free> arena_;
};

}  // namespace sapwood
