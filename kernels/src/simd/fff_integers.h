// The output of conditional matrix multiplication where output rows are int8: sums of integers.
//
// The weights of a row's visits become integers, and four output rows at a time are interleaved, so that one instruction
// multiplies and adds four bytes of a column. Those instructions take u8 with s8: magnitudes with the rows as they are,
// first of the negative weights, whose sum is turned round, then of the positive ones.
#pragma once

#include "int8_dot.h"
#include "quantized.h"
#include "simd/fetch.h"
#include "simd/math.h"

namespace sapwood::kernels {
namespace {

// Output rows with weights of one sign, up to three of weight zero behind them.
struct SignRows {
  const std::byte* rows[kMostFffVisits + 4];
  std::uint8_t magnitudes[kMostFffVisits + 4];
  int count;
};

struct IntegerSums {
  SignRows negative, positive;
  float scale;
};

constexpr float kLargestWeight = 127.0f;

// Takes in n weights, behind which there are zeros to a whole register, and the row of each: row_of(i).
template <typename RowOf>
inline void split_by_sign(const float* weights, int n, const RowOf& row_of, IntegerSums& sums) {
  Vec largest(0.0f), poison(0.0f);
  for (int i = 0; i < n; i += kLanes) {
    const Vec weight(load_reg(weights + i));
    largest = xsimd::max(xsimd::abs(weight), largest);
    poison = mul_add(weight, Vec(0.0f), poison);
  }
  const float range = max_lane(largest) + sum_lanes(poison);
  sums.negative.count = sums.positive.count = 0;
  sums.scale = range / kLargestWeight;
  if (!(range < __builtin_inff())) sums.scale = __builtin_nanf("");
  if (!(range >= kLeastRange && range < __builtin_inff())) return;
  const Vec inverse(kLargestWeight / range);
  alignas(kAlignment) std::int32_t integers[kLanes];
  SignRows* const signs[2] = {&sums.positive, &sums.negative};
  for (int i = 0; i < n; i += kLanes) {
    store_raw(integers, to_integers(Vec(load_reg(weights + i)) * inverse));
    for (int lane = 0; lane < kLanes && i + lane < n; ++lane) {
      const std::int32_t q = integers[lane];
      SignRows& sign = *signs[q < 0];
      sign.rows[sign.count] = row_of(i + lane);
      sign.magnitudes[sign.count] = static_cast<std::uint8_t>(q < 0 ? -q : q);
      sign.count += q != 0;
    }
  }
  for (SignRows* const sign : signs) {
    for (int i = sign->count; i % 4 != 0; ++i) {
      sign->rows[i] = sign->rows[0];
      sign->magnitudes[i] = 0;
    }
  }
}

// What a row of y is written from and to: its sums start from `from` (null: zero).
struct IntegerOutput {
  const float* from;
  float* y;
  int cols;
  bool stream;  // y is aligned, and will not stay in cache
};

// Adds the rows' bytes from column j on, kRegs registers of them.
template <int kRegs>
[[gnu::always_inline]] inline void add_rows(const SignRows& sign, int j, Raw (&sums)[kRegs][4],
                                            Fetcher& fetcher) {
  for (int i = 0; i < sign.count; i += 4) {
    const Raw weights = broadcast_word(reinterpret_cast<const std::byte*>(sign.magnitudes + i));
    const std::byte* const* const rows = sign.rows + i;
#pragma GCC unroll 8
    for (int r = 0; r < kRegs; ++r) {
      if (r % 2 == 0) fetcher.step();
      const int at = j + r * kRegBytes;
      Raw quads[4];
      interleave({rows[0] + at, rows[1] + at, rows[2] + at, rows[3] + at}, quads);
#pragma GCC unroll 4
      for (int q = 0; q < 4; ++q) sums[r][q] = Int8Dot::add_small(sums[r][q], weights, quads[q]);
    }
  }
}

template <int kRegs>
[[gnu::always_inline]] inline void write_integers(const IntegerSums& s, const IntegerOutput& out,
                                                  int j, Fetcher& fetcher) {
  Raw sums[kRegs][4];
#pragma GCC unroll 8
  for (int r = 0; r < kRegs; ++r) {
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) sums[r][q] = Int8Dot::zero();
  }
  add_rows<kRegs>(s.negative, j, sums, fetcher);
#pragma GCC unroll 8
  for (int r = 0; r < kRegs; ++r) {
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) sums[r][q] = minus(sums[r][q]);
  }
  add_rows<kRegs>(s.positive, j, sums, fetcher);
  const Reg scale = broadcast(s.scale);
#pragma GCC unroll 8
  for (int r = 0; r < kRegs; ++r) {
    order_columns(sums[r]);
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      const int at = j + r * kRegBytes + q * kLanes, left = out.cols - at;
      if (left <= 0) return;
      const float* const from = out.from + at;
      const Reg start = out.from == nullptr ? zero()
                        : left < kLanes     ? load_first(from, left)
                                            : load_reg(from);
      const Reg y = fma(to_floats(sums[r][q]), scale, start);
      if (left < kLanes) {
        store_first(out.y + at, y, left);
      } else if (out.stream) {
        stream_reg(out.y + at, y);
      } else {
        store_reg(out.y + at, y);
      }
    }
  }
}

// A row of y.
[[gnu::noinline]] void write_row(const IntegerSums& sums, const IntegerOutput& out,
                                 Fetcher& fetcher) {
  int j = 0;
  for (; j + (kByteRegs - 1) * kRegBytes < out.cols; j += kByteRegs * kRegBytes) {
    write_integers<kByteRegs>(sums, out, j, fetcher);
  }
  for (; j < out.cols; j += kRegBytes) write_integers<1>(sums, out, j, fetcher);
}

}  // namespace
}  // namespace sapwood::kernels
