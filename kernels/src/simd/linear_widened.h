// The product of bf16 where it is widened: with many rows a group of panels is widened once for a
// block of rows, instead of once in each tile, and multiplied as floats. An element's chain is that
// of simd/general/bf16_dot.h, bit for bit, so that rows may be computed either way.
#pragma once

#include "simd/f32_dot.h"
#include "simd/linear.h"

namespace sapwood::kernels {
namespace {

// The products of a group's first tile of rows where bf16 panels are widened once for all tiles: F32Dot,
// over packed lines of two words each, which are left as floats for the other tiles.
struct WideningDot : F32Dot {
  static constexpr bool kWidens = true;

  template <int kRows, int kRegs>
  [[gnu::always_inline]] static void accumulate(const Tile& tile, Sum (&acc)[kRows][kRegs]) {
    const std::byte *x = tile.x, *w = tile.w.data;
    std::byte* to = tile.widened;
    const char* next = tile.next;
    const std::int64_t to_stride = std::int64_t{tile.words} * kLineBytes;
    for (int i = 0; i < tile.words; i += 2, w += kLineBytes) {
#pragma GCC unroll 2
      for (int odd = 0; odd < 2; ++odd, x += kWordBytes<F32Dot>, to += kLineBytes) {
        prefetch_l2(next);
        prefetch_l2(next + kLineBytes);
        next += tile.next_step;
        Reg column[kRegs];
#pragma GCC unroll 16
        for (int c = 0; c < kRegs; ++c) {
          const int panel = c / kRegsPerPanel, reg = c % kRegsPerPanel * kRegBytes;
          const Raw words = load_raw(w + panel * tile.w.stride + reg);
          column[c] = odd == 0 ? even_bf16(words) : odd_bf16(words);
          store_reg(reinterpret_cast<float*>(to + panel * to_stride + reg), column[c]);
        }
#pragma GCC unroll 16
        for (int r = 0; r < kRows; ++r) {
          const Reg value = as_floats(broadcast_word(x + r * tile.x_stride));
#pragma GCC unroll 16
          for (int c = 0; c < kRegs; ++c) acc[r][c] = fma(value, column[c], acc[r][c]);
        }
      }
    }
  }
};

// Panels of bf16 that tiles read as floats. Words are those of floats; a packed line has two.
struct WidenedPanels {
  const std::byte* panels;
  std::int64_t panel_size;  // bytes, packed
  std::byte* widened;       // a group's
  static constexpr int kWordBytes = kLineBytes / 2;
  using FirstDot = WideningDot;

  const std::byte* at(int panel, const Block& block) const {
    return panels + panel * panel_size + std::int64_t{block.word} * kWordBytes;
  }
};

// A block of rows that has been widened.
template <typename Bf16>
Block widened_block(const Product& p, int row, int rows, int word, int words) {
  const auto stride = std::int64_t{words} * 4;
  std::byte* const to = static_cast<std::byte*>(p.a.scratch);
  for (int r = 0; r < rows; ++r) {
    Bf16::prepare_row(p.x + (row + r) * p.x_stride + word * 2, words / 2, to + r * stride);
  }
  return {.row = row, .rows = rows, .word = word, .words = words, .x = {to, stride}};
}

template <typename Bf16>
void multiply_widened(const LinearArgs& a) {
  Product p = product_of(a, DType::bf16);
  const WidenedPanels weights{static_cast<const std::byte*>(a.panels),
                              std::int64_t{p.words} * kLineBytes,
                              static_cast<std::byte*>(a.scratch) + kWidenedRowBytes};
  const int lines = p.words;
  p.words = 2 * lines;  // of floats, from here on
  const int depths = part_count(lines, kWidenedDepth / 2);
  const std::int64_t most = kWidenedRowBytes / (std::int64_t{part_count(lines, depths)} * 8);
  const int blocks = part_count(a.m, most < kBlockRows ? static_cast<int>(most) : kBlockRows);
  for (int i = 0; i < blocks; ++i) {
    const int row = part_begin(a.m, blocks, i), rows = part_begin(a.m, blocks, i + 1) - row;
    for (int d = 0; d < depths; ++d) {
      const int line = part_begin(lines, depths, d);
      const int count = part_begin(lines, depths, d + 1) - line;
      multiply_block<F32Dot>(p, weights, widened_block<Bf16>(p, row, rows, 2 * line, 2 * count));
    }
  }
}

// So few rows that floats in scratch memory are read too rarely.
constexpr int kFewRows = 12;
static_assert(kFewRows >= kTileRows);

template <typename Bf16>
void multiply_bf16(const LinearArgs& a) {
  if constexpr (requires { Bf16::kWidened; }) {
    static_assert(kTileRegs <= kWidenedPanels * kRegsPerPanel);
    // A bf16 y has no room for sums to wait in between blocks of k.
    const bool fits = a.y_type == DType::f32 || a.k <= kWidenedDepth;
    if (fits && a.m > kFewRows && a.panel_begin < a.panel_end) {
      return multiply_widened<Bf16>(a);
    }
  }
  multiply<Bf16>(a, DType::bf16);
}

}  // namespace
}  // namespace sapwood::kernels
