// The memory that one run needs: the arena and the batch's index arrays, allocated once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "graph/graph.h"

namespace sapwood {

// A packed batch: sequences end to end, no padding.
struct Batch {
  std::vector<std::int32_t> ids, positions, types;  // [tokens]
  std::vector<std::int32_t> starts;                 // [sequences + 1]: "cu_seqlens"
  std::vector<std::int32_t> selected;               // rows, ascending
  int longest = 0;

  int tokens() const { return static_cast<int>(ids.size()); }
  int sequences() const { return static_cast<int>(starts.size()) - 1; }
  void clear();
  void reserve(const Capacity& capacity);
};

class Workspace {
 public:
  // Throws Error out_of_memory.
  explicit Workspace(const Graph& graph);

  Batch batch;
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
