// Softmax attention of one sequence, head by head, fp32.
//
// A head's keys are transposed and its values copied into panels once; then tiles of queries go
// through scores = q K^T, softmax and scores V while their scores stay in cache. Both products are
// the tiles of tile.h.
#include "isa.h"
#include "scratch.h"
#include "simd/f32_dot.h"
#include "simd/math.h"
#include "simd/tile.h"

namespace sapwood::kernels::KERNEL_ISA {
namespace {

// One head's view of the call.
struct Head {
  const float* queries;  // [length, head_dim], rows `stride` floats apart; keys and values likewise
  const float* keys;
  const float* values;
  std::int64_t stride;
  float* out;  // [length, head_dim], rows out_stride apart
  std::int64_t out_stride;
  int length, head_dim;
  float scale;
  float* key_panels;    // [ceil(length/16)][head_dim][16]
  float* value_panels;  // [ceil(head_dim/16)][length][16]
  float* scores;        // [kQueryTile][padded]
  std::int64_t padded;  // round_up(length, 16)
};

// Keys beyond the last become zero columns.
void pack_keys(const Head& h) {
  for (int token = 0; token < h.padded; token += kLanes) {
    float* panel = h.key_panels + token / kPanelWidth * std::int64_t{h.head_dim} * kPanelWidth +
                   token % kPanelWidth;
    for (int d = 0; d < h.head_dim; d += kLanes) {
      const int width = h.head_dim - d < kLanes ? h.head_dim - d : kLanes;
      Reg rows[kLanes];
      for (int i = 0; i < kLanes; ++i) {
        rows[i] =
            token + i < h.length ? load_first(h.keys + (token + i) * h.stride + d, width) : zero();
      }
      transpose(rows);
      for (int i = 0; i < width; ++i) store_reg(panel + (d + i) * kPanelWidth, rows[i]);
    }
  }
}

void pack_values(const Head& h) {
  for (int d = 0; d < h.head_dim; d += kLanes) {
    const int width = h.head_dim - d < kLanes ? h.head_dim - d : kLanes;
    float* panel =
        h.value_panels + std::int64_t{d / kPanelWidth} * h.length * kPanelWidth + d % kPanelWidth;
    for (int token = 0; token < h.length; ++token) {
      store_reg(panel + std::int64_t{token} * kPanelWidth,
                load_first(h.values + token * h.stride + d, width));
    }
  }
}

// In place exp(scale (x - max x)) over n floats, zeros up to the padding; returns 1 / sum.
float exponentials(float* x, int n, float scale) {
  const int whole = n / kLanes * kLanes, rest = n - whole;
  const Vec lowest(-__builtin_inff());
  Vec largest = lowest;
  for (int j = 0; j < whole; j += kLanes) largest = xsimd::max(largest, Vec(load_reg(x + j)));
  if (rest > 0) largest = xsimd::max(largest, Vec(blend_first(load_reg(x + whole), lowest, rest)));
  const Vec factor(scale), shift(max_lane(largest) * scale);
  Vec sum(0.0f);
  for (int j = 0; j < whole; j += kLanes) {
    const Vec e = exp_nonpositive(mul_sub(Vec(load_reg(x + j)), factor, shift));
    sum = sum + e;
    store_reg(x + j, e);
  }
  if (rest > 0) {
    const Vec e = exp_nonpositive(mul_sub(Vec(load_reg(x + whole)), factor, shift));
    const Vec kept(blend_first(e, zero(), rest));
    sum = sum + kept;
    store_reg(x + whole, kept);
  }
  return 1.0f / sum_lanes(sum);
}

// rows x [columns of the panels [first, first + kRegs / kRegsPerPanel)] of the scores.
template <int kRows, int kRegs>
void score_tile(const Head& h, int query, float* scores, int panel) {
  Reg acc[kRows][kRegs];
  clear<F32Dot>(acc);
  const std::int64_t panel_size = std::int64_t{h.head_dim} * kPanelWidth;
  accumulate<F32Dot, kRows, kRegs, Prefetch::none>(
      bytes_of(h.queries + query * h.stride), h.stride * 4,
      bytes_of(h.key_panels + panel * panel_size), panel_size * 4, h.head_dim, nullptr, 0, acc);
  float* at = scores + panel * kPanelWidth;
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int c = 0; c < kRegs; ++c) store_reg(at + r * h.padded + c * kLanes, acc[r][c]);
  }
}

// rows x columns of the output: weights times values, divided by the sums.
template <int kRows, int kRegs>
void output_tile(const Head& h, int query, float* scores, const float* inverses, int panel) {
  Reg acc[kRows][kRegs];
  clear<F32Dot>(acc);
  const std::int64_t panel_size = std::int64_t{h.length} * kPanelWidth;
  accumulate<F32Dot, kRows, kRegs, Prefetch::none>(bytes_of(scores), h.padded * 4,
                                                   bytes_of(h.value_panels + panel * panel_size),
                                                   panel_size * 4, h.length, nullptr, 0, acc);
  const int column = panel * kPanelWidth;
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
    float* out = h.out + (query + r) * h.out_stride + column;
    const Reg inverse = broadcast(inverses[r]);
#pragma GCC unroll 16
    for (int c = 0; c < kRegs; ++c) {
      const int left = h.head_dim - column - c * kLanes;
      const Reg value = mul(acc[r][c], inverse);
      if (left >= kLanes) {
        store_reg(out + c * kLanes, value);
      } else if (left > 0) {
        store_first(out + c * kLanes, value, left);
      }
    }
  }
}

// Calls f<regs>(panel) for groups of panels that cover [0, panels).
template <typename F>
[[gnu::always_inline]] inline void for_panels(int panels, const F& f) {
  constexpr int kMost = kTileRegs / kRegsPerPanel;
  const int groups = part_count(panels, kMost);
  for (int group = 0; group < groups; ++group) {
    const int first = part_begin(panels, groups, group);
    const int count = part_begin(panels, groups, group + 1) - first;
    if (kMost >= 3 && count == 3) {
      f.template operator()<kMost >= 3 ? 3 * kRegsPerPanel : kRegsPerPanel>(first);
    } else if (kMost >= 2 && count == 2) {
      f.template operator()<kMost >= 2 ? 2 * kRegsPerPanel : kRegsPerPanel>(first);
    } else {
      f.template operator()<kRegsPerPanel>(first);
    }
  }
}

// kRows queries through all three steps.
template <int kRows>
void attend_rows(const Head& h, int query, float* scores) {
  for_panels(static_cast<int>(h.padded / kPanelWidth),
             [&]<int kRegs>(int panel) { score_tile<kRows, kRegs>(h, query, scores, panel); });
  float inverses[kRows];
  for (int r = 0; r < kRows; ++r)
    inverses[r] = exponentials(scores + r * h.padded, h.length, h.scale);
  for_panels(part_count(h.head_dim, kPanelWidth), [&]<int kRegs>(int panel) {
    output_tile<kRows, kRegs>(h, query, scores, inverses, panel);
  });
}

template <int kRows>
void attend(const Head& h, int query, int rows, float* scores) {
  if (rows == kRows) return attend_rows<kRows>(h, query, scores);
  if constexpr (kRows > 1) attend<kRows - 1>(h, query, rows, scores);
}

}  // namespace

void attention(const AttentionArgs& a) noexcept {
  const std::int64_t hidden = std::int64_t{a.heads} * a.head_dim;
  const AttentionScratch parts = attention_parts(a.length, a.head_dim);
  const int tiles = part_count(a.length, kTileRows);
  for (int head = a.head_begin; head < a.head_end; ++head) {
    const std::int64_t first = std::int64_t{head} * a.head_dim;
    const Head h{.queries = a.qkv + first,
                 .keys = a.qkv + hidden + first,
                 .values = a.qkv + 2 * hidden + first,
                 .stride = 3 * hidden,
                 .out = a.out + first,
                 .out_stride = hidden,
                 .length = a.length,
                 .head_dim = a.head_dim,
                 .scale = a.scale,
                 .key_panels = a.scratch,
                 .value_panels = a.scratch + parts.keys,
                 .scores = a.scratch + parts.keys + parts.values,
                 .padded = round_up(a.length, kPanelWidth)};
    pack_keys(h);
    pack_values(h);
    for (int t = 0; t < tiles; ++t) {
      const int begin = part_begin(a.length, tiles, t);
      attend<kTileRows>(h, begin, part_begin(a.length, tiles, t + 1) - begin, h.scores);
    }
  }
}

}  // namespace sapwood::kernels::KERNEL_ISA
