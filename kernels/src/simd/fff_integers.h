// The output of conditional matrix multiplication where output rows are int8: sums of integers.
//
// The weights of a row's visits become integers, and four output rows at a time are interleaved, so that one instruction
// multiplies and adds four bytes of a column. Those instructions take u8 with s8: magnitudes with the rows as they are,
// first of the negative weights, whose sum changes its sign, then of the positive ones.
#pragma once

#include "int8_dot.h"
#include "quantized.h"
#include "simd/fetch.h"
#include "simd/math.h"

namespace sapwood::kernels {
namespace {

// Output rows and the magnitudes of their weights, those of one sign; filled up with weights of zero to whole fours.
struct SignRows {
  static constexpr int kRoom = kMostFffVisits + kLanes;
  const std::byte* rows[kRoom];
  std::uint8_t magnitudes[kRoom];
  int count;
};

struct IntegerSums {
  SignRows negative, positive;
  float scale;
};

constexpr float kLargestWeight = 255.0f;

// Takes in the rows of n visits by their weights, behind both of which there is room to a whole register; weights are 0
// there.
inline void split_by_sign(const float* weights, const std::byte* const* rows, int n,
                          IntegerSums& sums) {
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
  SignRows* const signs[2] = {&sums.positive, &sums.negative};
  int counts[2] = {};
  for (int i = 0; i < n; i += kLanes) {
    const Raw integers = to_integers(Vec(load_reg(weights + i)) * inverse);
    for (int s = 0; s < 2; ++s) {
      const Raw magnitudes = s == 0 ? integers : minus(integers);
      counts[s] += pack_positive(magnitudes, rows + i, signs[s]->rows + counts[s],
                                 signs[s]->magnitudes + counts[s]);
    }
  }
  for (int s = 0; s < 2; ++s) {
    for (; counts[s] % 4 != 0; ++counts[s]) {
      signs[s]->rows[counts[s]] = signs[s]->rows[0];
      signs[s]->magnitudes[counts[s]] = 0;
    }
    signs[s]->count = counts[s];
  }
}

// What a row of y is written from and to: its sums start from `from` (null: zero).
struct IntegerOutput {
  const float* from;
  float* y;
  int cols;
  bool stream;  // y is aligned, and will not stay in cache
};

// Columns of a row of y from j on, kRegs registers of bytes.
template <int kRegs>
[[gnu::always_inline]] inline void write_integers(const IntegerSums& s, const IntegerOutput& out,
                                                  int j, Fetcher& fetcher) {
  Raw sums[kRegs][4];
#pragma GCC unroll 8
  for (int r = 0; r < kRegs; ++r) {
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) sums[r][q] = Int8Dot::zero();
  }
  for (const SignRows* sign = &s.negative;; sign = &s.positive) {
    for (int i = 0; i < sign->count; i += 4) {
      for (int r = 0; r < kRegs; ++r) fetcher.step();
      const Raw weights = broadcast_word(reinterpret_cast<const std::byte*>(sign->magnitudes + i));
      const std::byte* const rows[4] = {sign->rows[i] + j, sign->rows[i + 1] + j,
                                        sign->rows[i + 2] + j, sign->rows[i + 3] + j};
#pragma GCC unroll 8
      for (int r = 0; r < kRegs; ++r) {
        const int at = r * kRegBytes;
        Raw quads[4];
        interleave({rows[0] + at, rows[1] + at, rows[2] + at, rows[3] + at}, quads);
#pragma GCC unroll 4
        for (int q = 0; q < 4; ++q) sums[r][q] = Int8Dot::add_bytes(sums[r][q], weights, quads[q]);
      }
    }
    if (sign == &s.positive) break;
#pragma GCC unroll 8
    for (int r = 0; r < kRegs; ++r) {
#pragma GCC unroll 4
      for (int q = 0; q < 4; ++q) sums[r][q] = minus(sums[r][q]);
    }
  }
  const Reg scale = broadcast(s.scale);
#pragma GCC unroll 8
  for (int r = 0; r < kRegs; ++r) {
    order_columns(sums[r]);
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      const int at = j + r * kRegBytes + q * kLanes, left = out.cols - at;
      if (left <= 0) return;
      const Reg start = out.from == nullptr ? zero()
                        : left < kLanes     ? load_first(out.from + at, left)
                                            : load_reg(out.from + at);
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
