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
  bool stream;  // y is aligned, and will not stay in cache
};

// kRegs registers of columns of y, from column j. The last may be partial.
template <typename Row, int kRegs>
[[gnu::always_inline]] inline void write_columns(const Output& out, const OutputShape& shape, int j,
                                                 Fetcher& fetcher) {
  const int left = shape.cols - j - (kRegs - 1) * kLanes;  // columns of the last register
  Reg sums[kRegs];
#pragma GCC unroll 24
  for (int c = 0; c < kRegs; ++c) {
    const float* at = out.from + j + c * kLanes;
    sums[c] = out.from == nullptr               ? zero()
              : c + 1 == kRegs && left < kLanes ? load_first(at, left)
                                                : load_reg(at);
  }
  for (int i = 0; i < shape.nodes; ++i) {
    const Reg weight = broadcast(out.weights[i]);
    const std::byte* row = out.rows[i] + j * Row::kBytes;
    // One pointer with constant offsets: g++ would keep a sum of j and c for each register, on the
    // stack.
    asm("" : "+r"(row));
    // As many lines as are read.
#pragma GCC unroll 8
    for (int c = 0; c < kRegs * Row::kBytes * kLanes / kAlignment; c += Fetcher::kStep) {
      fetcher.step();
    }
#pragma GCC unroll 24
    for (int c = 0; c < kRegs; ++c) sums[c] = fma(weight, Row::load(row, c), sums[c]);
  }
  float* const y = out.y + j;
  if (shape.stream && left >= kLanes) {
#pragma GCC unroll 24
    for (int c = 0; c < kRegs; ++c) stream_reg(y + c * kLanes, sums[c]);
    return;
  }
#pragma GCC unroll 24
  for (int c = 0; c + 1 < kRegs; ++c) store_reg(y + c * kLanes, sums[c]);
  store_first(y + (kRegs - 1) * kLanes, sums[kRegs - 1], left < kLanes ? left : kLanes);
}

// `count` rows of y. Neighbours that share nodes find them in the first-level cache, because all
// take the same columns before any takes the next.
template <typename Row>
void write_rows(const Output* outputs, int count, const OutputShape& shape, Fetcher& fetcher) {
  int j = 0;
  for (; j + kOutputRegs * kLanes <= shape.cols; j += kOutputRegs * kLanes) {
    for (int i = 0; i < count; ++i) write_columns<Row, kOutputRegs>(outputs[i], shape, j, fetcher);
  }
  for (; j + 4 * kLanes <= shape.cols; j += 4 * kLanes) {
    for (int i = 0; i < count; ++i) write_columns<Row, 4>(outputs[i], shape, j, fetcher);
  }
  for (; j < shape.cols; j += kLanes) {
    for (int i = 0; i < count; ++i) write_columns<Row, 1>(outputs[i], shape, j, fetcher);
  }
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
