// The register tile that the packed products and attention share.
//
// Each element of a tile has its own accumulator and gets its products in order of ascending k: so
// its value depends on its row and column alone, not on the tile's shape or place.
#pragma once

#include <cstddef>
#include <cstdint>

#include "arch.h"
#include "sapwood/kernels/kernels.h"

namespace sapwood::kernels {
namespace {

static_assert(kPanelWidth % kLanes == 0);
constexpr int kRegsPerPanel = kPanelWidth / kLanes;

// always_inline: g++ takes a function that only prefetches for one without effect, and drops its
// calls.
[[gnu::always_inline]] inline void prefetch_l1(const void* p) {
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0);
}
[[gnu::always_inline]] inline void prefetch_l2(const void* p) {
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T1);
}

// What a tile fetches while it computes.
enum class Prefetch {
  none,    // the weights are in cache
  stream,  // its own weights, a fixed distance ahead: each is used once
  next,    // the weights of the next tiles, at `next` and `next_step` bytes further with every k
};

// How far `stream` looks ahead, in words of k (a cache line in each panel).
constexpr int kStreamAhead = 24;

// A line of a panel: a word for each of its columns.
constexpr int kLineBytes = kPanelWidth * 4;
constexpr int kRegBytes = kLanes * 4;

// A dot type may want rows of x in another form, two words for each: prepare_row() makes it.
template <typename Dot>
constexpr bool kPreparesRows = requires {
  &Dot::prepare_row;
};
template <typename Dot>
constexpr int kWordBytes = kPreparesRows<Dot> ? 8 : 4;  // of x

template <typename Dot>
[[gnu::always_inline]] inline typename Dot::X load_x(const std::byte* p) {
  if constexpr (kPreparesRows<Dot>) {
    return Dot::load_x(p);
  } else {
    return Dot::prepare(broadcast_word(p));
  }
}
template <typename Dot>
[[gnu::always_inline]] inline auto load_w(const std::byte* p) {
  if constexpr (kPreparesRows<Dot>) {
    return p;
  } else {
    return load_raw(p);
  }
}

template <typename Dot, int kRows, int kRegs>
[[gnu::always_inline]] inline void clear(typename Dot::Sum (&acc)[kRows][kRegs]) {
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int c = 0; c < kRegs; ++c) acc[r][c] = Dot::zero();
  }
}

// Rows of x or panels of w, `stride` bytes apart.
struct Operand {
  const std::byte* data;
  std::int64_t stride;
};

// What Prefetch::next fetches with each word.
struct Ahead {
  const char* next = nullptr;
  std::int64_t step = 0;  // bytes
};

// acc[r][c] += x[r, word] . w[word, c] for word = 0, 1, ..., registers c counting through the
// columns of consecutive panels.
template <typename Dot, int kRows, int kRegs, Prefetch kPrefetch>
[[gnu::always_inline]] inline void accumulate(Operand rows, Operand panels, std::int64_t words,
                                              Ahead fetch, typename Dot::Sum (&acc)[kRows][kRegs]) {
  const std::byte *x = rows.data, *w = panels.data;
  const std::int64_t x_stride = rows.stride, panel_stride = panels.stride;
  [[maybe_unused]] const char* next = fetch.next;
  // What `stream` fetches now. Behind a panel lies its neighbour, which is being read too: near the
  // end the panels of the next tile are fetched instead.
  [[maybe_unused]] const std::byte* ahead = w + kStreamAhead * kLineBytes;
  [[maybe_unused]] const std::int64_t turn = words - kStreamAhead;
  for (std::int64_t i = 0; i < words; ++i) {
    if constexpr (kPrefetch == Prefetch::stream) {
      if (i == turn) ahead += (kRegs / kRegsPerPanel - 1) * panel_stride;
#pragma GCC unroll 16
      for (int c = 0; c < kRegs; c += kRegsPerPanel) {
        prefetch_l2(ahead + c / kRegsPerPanel * panel_stride);
      }
      ahead += kLineBytes;
    }
    if constexpr (kPrefetch == Prefetch::next) {
      // Two lines a step are enough: where this is used, at least two tiles share three panels.
      prefetch_l2(next);
      prefetch_l2(next + kLineBytes);
      next += fetch.step;
    }
    decltype(load_w<Dot>(w)) column[kRegs];
#pragma GCC unroll 16
    for (int c = 0; c < kRegs; ++c) {
      column[c] = load_w<Dot>(w + c / kRegsPerPanel * panel_stride + c % kRegsPerPanel * kRegBytes);
    }
    w += kLineBytes;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const typename Dot::X value = load_x<Dot>(x + r * x_stride);
#pragma GCC unroll 16
      for (int c = 0; c < kRegs; ++c) acc[r][c] = Dot::add(acc[r][c], value, column[c]);
    }
    x += kWordBytes<Dot>;
  }
}

// Splits `total` into the fewest parts of at most `most`, as even as can be: part i starts here.
// Even parts matter because a tile of one row takes as long as one of four: FMA latency binds.
constexpr int part_begin(int total, int parts, int i) {
  return static_cast<int>(std::int64_t{total} * i / parts);
}
constexpr int part_count(int total, int most) { return (total + most - 1) / most; }

}  // namespace
}  // namespace sapwood::kernels
