// What an operation needs to run: the kernels, the memory and the batch of one run, and the threads that work on it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "graph/graph.h"
#include "run/team.h"
#include "run/workspace.h"
#include "sapwood/stop_token.h"

namespace sapwood {

// Multiply-adds of a product below which a second thread costs more than it saves.
inline constexpr std::int64_t kSmallProduct = 1 << 16;
// Where a stop may be asked for, work is cut into pieces of at most so many multiply-adds, between which it is asked:
// some 2 to 6 ms.
inline constexpr std::int64_t kPieceProduct = 100'000'000;

struct Running {
  const Graph& graph;
  Workspace& workspace;
  Team& team;
  const StopToken* stop;  // null: nobody can ask

  const kernels::KernelTable& kernels() const { return graph.kernels(); }
  const Batch& batch() const { return workspace.batch; }
  const Value& value(ValueId id) const { return graph.value(id); }
  int rows(ValueId id) const { return batch().rows(value(id).rows); }

  bool stopped() const { return stop != nullptr && stop->status() != RunStatus::ok; }

  // Into how many pieces work is cut at least.
  int pieces(std::int64_t work, std::int64_t piece) const {
    return stop == nullptr ? 1 : static_cast<int>((work + piece - 1) / piece);
  }

  // f(task, thread) for every task, as Team::for_each, but none any more after a stop.
  template <class F>
  void for_each(int tasks, F&& f) const {
    if (stop == nullptr) return team.for_each(tasks, f);
    team.for_each(tasks, [&](int task, int thread) {
      if (!stopped()) f(task, thread);
    });
  }

  // Splits rows of `cols` numbers of element-wise work evenly over the threads and calls f(first, count) for each share.
  template <class F>
  void split_rows(int all, int cols, F&& f) const {
    // Below so many floats a second thread costs more than it saves; a float is some eight multiply-adds of a product.
    constexpr std::int64_t kSmall = 1 << 13, kPiece = kPieceProduct / 64;
    const std::int64_t work = std::int64_t{all} * cols;
    const int threads = work < kSmall ? 1 : team.threads();
    const int parts = std::max(threads, std::min(all, pieces(work, kPiece)));
    const int share = (all + parts - 1) / parts;
    for_each(parts, [&](int part, int) {
      const int first = part * share;
      if (first < all) f(first, std::min(share, all - first));
    });
  }

  // --- memory

  // Row `row` of a value of any type, and the scale of a u8 row.
  std::byte* row(ValueId id, std::int64_t row) const {
    return reinterpret_cast<std::byte*>(workspace.at(id)) + row * row_stride_bytes(value(id));
  }
  kernels::RowScale* scale(ValueId id, std::int64_t row) const {
    std::byte* scales =
        reinterpret_cast<std::byte*>(workspace.at(id)) + workspace.placement(id).scales;
    return reinterpret_cast<kernels::RowScale*>(scales) + row;
  }
  // Row `row` of a value of floats; null for kNoValue.
  float* floats(ValueId id, std::int64_t row) const {
    return id == kNoValue ? nullptr : workspace.at(id) + row * value(id).cols;
  }
  // A thread's part of scratch memory.
  std::byte* scratch(ValueId id, int thread) const {
    return reinterpret_cast<std::byte*>(workspace.at(id)) + workspace.placement(id).scales * thread;
  }
};

// "gelu_tanh"; empty for none.
const char* activation_name(kernels::Activation activation);

// "linear_f32_avx512"
std::string kernel_name(const char* op, kernels::DType type, const kernels::KernelTable& kernels);

}  // namespace sapwood
