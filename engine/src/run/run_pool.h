// The memory of runs, kept from one to the next: after the first ones nothing is allocated.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "run/packed_run.h"

namespace sapwood {

class RunPool {
 public:
  RunPool(const Graph& graph, const Capacity& capacity)
      : graph_(graph),
        capacity_(capacity),
        cache_tokens_(sapwood::cache_tokens(graph, capacity.threads)) {}

  // A run that goes back to its pool when the loan ends.
  class Loan {
   public:
    explicit Loan(RunPool& pool) : pool_(pool), run_(pool.take()) {}
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    ~Loan() { pool_.give_back(std::move(run_)); }
    PackedRun& operator*() const { return *run_; }
    PackedRun* operator->() const { return run_.get(); }

   private:
    RunPool& pool_;
    std::unique_ptr<PackedRun> run_;
  };

  const Capacity& capacity() const { return capacity_; }
  // Of a run that is not bound to be larger; see the function.
  int cache_tokens() const { return cache_tokens_; }

 private:
  std::unique_ptr<PackedRun> take();
  void give_back(std::unique_ptr<PackedRun> run) noexcept;

  const Graph& graph_;
  const Capacity capacity_;
  const int cache_tokens_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<PackedRun>> free_;  // with room for all that were made
  std::size_t made_ = 0;
};

}  // namespace sapwood
