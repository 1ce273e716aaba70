// The output of conditional matrix multiplication: rows of y from the nodes that were visited.
//
// Each element is one FMA chain over the visited nodes in order, wherever it starts: from the
// residual, zero, or what an earlier tree left in y.
#pragma once

#include "simd/fetch.h"
#include "simd/math.h"

namespace sapwood::kernels {
namespace {

// Output rows by type: register `i` of kLanes elements behind p, as floats.
struct F32Row {
  static constexpr int kBytes = 4;
  static Reg load(const std::byte* p, int i) {
    return load_reg(reinterpret_cast<const float*>(p) + i * kLanes);
  }
};
struct Bf16Row {
  static constexpr int kBytes = 2;
  static Reg load(const std::byte* p, int i) { return widen_bf16(p + i * kLanes * kBytes); }
};
struct Int8Row {
  static constexpr int kBytes = 1;
  static Reg load(const std::byte* p, int i) { return widen_int8(p + i * kLanes * kBytes); }
};

// A row of y: its sums start from `from` (null: zero) and go over rows[i] times weights[i].
struct Output {
  const std::byte* const* rows;
  const float* weights;
  const float* from;
  float* y;
};

// What rows of y that are written together have in common.
struct OutputShape {
  DType type;  // of the nodes' rows
  int nodes;   // of a path
  int cols;
  bool stream;         // y is aligned, and will not stay in cache
  const bool* shared;  // by place on a path: whether all of these rows visited the same node
};

// The columns from `j` on of row `i` that an output goes over. One pointer, to be used with
// constant offsets: g++ would keep a sum of j and the offset for each register, on the stack.
template <typename Row>
[[gnu::always_inline]] inline const std::byte* row_at(const Output& out, int i, int j) {
  const std::byte* row = out.rows[i] + j * Row::kBytes;
  asm("" : "+r"(row));
  return row;
}

// kCount rows of y, kRegs registers of columns from column j. The last may be partial. A node that
// all visited is read, and widened, once.
template <typename Row, int kCount, int kRegs>
[[gnu::always_inline]] inline void write_columns(const Output* outputs, const OutputShape& shape,
                                                 int j, Fetcher& fetcher) {
  const int left = shape.cols - j - (kRegs - 1) * kLanes;  // columns of the last register
  Reg sums[kCount][kRegs];
#pragma GCC unroll 4
  for (int t = 0; t < kCount; ++t) {
#pragma GCC unroll 24
    for (int c = 0; c < kRegs; ++c) {
      const float* at = outputs[t].from + j + c * kLanes;
      sums[t][c] = outputs[t].from == nullptr        ? zero()
                   : c + 1 == kRegs && left < kLanes ? load_first(at, left)
                                                     : load_reg(at);
    }
  }
  for (int i = 0; i < shape.nodes; ++i) {
    if (kCount > 1 && shape.shared[i]) {
      const std::byte* const row = row_at<Row>(outputs[0], i, j);
      Reg weights[kCount];
#pragma GCC unroll 4
      for (int t = 0; t < kCount; ++t) weights[t] = broadcast(outputs[t].weights[i]);
#pragma GCC unroll 24
      for (int c = 0; c < kRegs; ++c) {
        const Reg value = Row::load(row, c);
#pragma GCC unroll 4
        for (int t = 0; t < kCount; ++t) sums[t][c] = fma(weights[t], value, sums[t][c]);
      }
      continue;
    }
#pragma GCC unroll 4
    for (int t = 0; t < kCount; ++t) {
      const Reg weight = broadcast(outputs[t].weights[i]);
      const std::byte* const row = row_at<Row>(outputs[t], i, j);
      // As many lines as are read, at least.
#pragma GCC unroll 8
      for (int c = 0; c < kRegs * Row::kBytes * kLanes; c += Fetcher::kStep * kAlignment) {
        fetcher.step();
      }
#pragma GCC unroll 24
      for (int c = 0; c < kRegs; ++c) sums[t][c] = fma(weight, Row::load(row, c), sums[t][c]);
    }
  }
#pragma GCC unroll 4
  for (int t = 0; t < kCount; ++t) {
    float* const y = outputs[t].y + j;
    if (shape.stream && left >= kLanes) {
#pragma GCC unroll 24
      for (int c = 0; c < kRegs; ++c) stream_reg(y + c * kLanes, sums[t][c]);
      continue;
    }
#pragma GCC unroll 24
    for (int c = 0; c + 1 < kRegs; ++c) store_reg(y + c * kLanes, sums[t][c]);
    store_first(y + (kRegs - 1) * kLanes, sums[t][kRegs - 1], left < kLanes ? left : kLanes);
  }
}

// kCount rows of y.
template <typename Row, int kCount>
[[gnu::noinline]] void write_tile(const Output* outputs, const OutputShape& shape,
                                  Fetcher& fetcher) {
  constexpr int kRegs = kOutputRegs / kCount;
  int j = 0;
  for (; j + kRegs * kLanes <= shape.cols; j += kRegs * kLanes) {
    write_columns<Row, kCount, kRegs>(outputs, shape, j, fetcher);
  }
  for (; j < shape.cols; j += kLanes) {
    write_columns<Row, kCount, 1>(outputs, shape, j, fetcher);
  }
}

// `count` rows of y, at most kCount.
template <typename Row, int kCount = kOutputRows>
void write_rows(const Output* outputs, int count, const OutputShape& shape, Fetcher& fetcher) {
  if constexpr (kCount > 1) {
    if (count < kCount) return write_rows<Row, kCount - 1>(outputs, count, shape, fetcher);
  }
  write_tile<Row, kCount>(outputs, shape, fetcher);
}

inline void write_rows(const Output* outputs, int count, const OutputShape& shape,
                       Fetcher& fetcher) {
  switch (shape.type) {
    case DType::f32:
      return write_rows<F32Row>(outputs, count, shape, fetcher);
    case DType::bf16:
      return write_rows<Bf16Row>(outputs, count, shape, fetcher);
    case DType::int8:
      return write_rows<Int8Row>(outputs, count, shape, fetcher);
  }
}

}  // namespace
}  // namespace sapwood::kernels
