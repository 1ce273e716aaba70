// The output of conditional matrix multiplication: rows of y from the nodes that were visited.
//
// Each element is one FMA chain over the visited nodes in order, wherever it starts: from the
// residual, zero, or what an earlier tree left in y.
#pragma once

#include "simd/math.h"
#include "simd/tile.h"

namespace sapwood::kernels {
namespace {

constexpr int kOutputRegs = 8;  // columns that are kept in registers over the whole path

// Output rows by type: kLanes elements from a column on, as floats.
struct F32Row {
  static Reg load(const std::byte* row, std::int64_t column) {
    return load_reg(reinterpret_cast<const float*>(row) + column);
  }
};
struct Bf16Row {
  static Reg load(const std::byte* row, std::int64_t column) {
    return widen_bf16(row + column * 2);
  }
};
struct Int8Row {
  static Reg load(const std::byte* row, std::int64_t column) { return widen_int8(row + column); }
};

// What a row of y is made of: rows[i] times weights[i], i < count.
struct Path {
  const std::byte* const* rows;
  const float* weights;
  int count;
};

// kRegs registers of columns of y, from column j.
template <typename Row, int kRegs>
[[gnu::always_inline]] inline void write_columns(const Path& path, const float* from, float* y,
                                                 int j, int cols) {
  Reg sums[kRegs];
#pragma GCC unroll 16
  for (int c = 0; c < kRegs; ++c) {
    const int left = cols - j - c * kLanes;
    sums[c] = from == nullptr || left <= 0 ? zero()
              : left < kLanes              ? load_first(from + j + c * kLanes, left)
                                           : load_reg(from + j + c * kLanes);
  }
  for (int i = 0; i < path.count; ++i) {
    const Reg weight = broadcast(path.weights[i]);
    const std::byte* row = path.rows[i];
#pragma GCC unroll 16
    for (int c = 0; c < kRegs; ++c) sums[c] = fma(weight, Row::load(row, j + c * kLanes), sums[c]);
  }
#pragma GCC unroll 16
  for (int c = 0; c < kRegs; ++c) {
    const int left = cols - j - c * kLanes;
    if (left >= kLanes) {
      store_reg(y + j + c * kLanes, sums[c]);
    } else if (left > 0) {
      store_first(y + j + c * kLanes, sums[c], left);
    }
  }
}

// y = from (or 0) + the sum over the path.
template <typename Row>
void write_row(const Path& path, const float* from, float* y, int cols) {
  int j = 0;
  for (; j + kOutputRegs * kLanes <= cols; j += kOutputRegs * kLanes) {
    write_columns<Row, kOutputRegs>(path, from, y, j, cols);
  }
  for (; j < cols; j += kLanes) write_columns<Row, 1>(path, from, y, j, cols);
}

inline void write_row(DType type, const Path& path, const float* from, float* y, int cols) {
  switch (type) {
    case DType::f32:
      return write_row<F32Row>(path, from, y, cols);
    case DType::bf16:
      return write_row<Bf16Row>(path, from, y, cols);
    case DType::int8:
      return write_row<Int8Row>(path, from, y, cols);
  }
}

}  // namespace
}  // namespace sapwood::kernels
