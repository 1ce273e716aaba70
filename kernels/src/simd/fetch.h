// Rows that will be needed soon, fetched a few lines at a time between the instructions that
// compute, so that memory is busy all the time.
#pragma once

#include "simd/tile.h"

namespace sapwood::kernels {
namespace {

class Fetcher {
 public:
  // All rows are of one length.
  explicit Fetcher(std::int64_t row_bytes) : row_bytes_(row_bytes) {}

  // A row to fetch. Where too many wait already, it is left to arrive when it is used.
  void add(const std::byte* row) {
    if (tail_ - head_ < kMost) rows_[tail_++ % kMost] = row;
  }

  // Fetches the next kStep lines. To the second level: the first has no room for so many rows, and
  // lines on their way there take places that loads need.
  [[gnu::always_inline]] void step() {
    if (at_ == end_) {
      if (head_ == tail_) return;
      at_ = rows_[head_++ % kMost];
      end_ = at_ + row_bytes_;
    }
#pragma GCC unroll 4
    for (int i = 0; i < kStep; ++i) prefetch_l2(at_ + i * kAlignment);
    at_ = end_ - at_ > kStep * kAlignment ? at_ + kStep * kAlignment : end_;
  }

  static constexpr int kStep = 4;

 private:
  static constexpr unsigned kMost = 128;
  const std::byte* at_ = nullptr;
  const std::byte* end_ = nullptr;
  unsigned head_ = 0, tail_ = 0;
  std::int64_t row_bytes_;
  const std::byte* rows_[kMost];
};

}  // namespace
}  // namespace sapwood::kernels
