// The packed matrix product with fused bias and activation, fp32.
//
// Loops, from the outside: a block of rows and a block of k, whose activations stay in the
// second-level cache; a group of panels, whose weights are read once for the block and stay in
// cache meanwhile; tiles of rows. While one group is multiplied, the next one is fetched. Between
// blocks of k the sums wait in y, exactly as they are, so an element's chain is the same with any
// blocking. With a single tile of rows every weight is used once: then the loop is a stream over
// the weights, and fetches its own ahead.
#include "isa.h"
#include "simd/math.h"
#include "simd/tile.h"

namespace sapwood::kernels::KERNEL_ISA {
namespace {

// Rows and k of a block: 768 KB of activations in the second-level cache, beside two groups'
// weights.
constexpr int kBlockRows = 32 * kTileRows;
constexpr int kBlockDepth = 768 * 1024 / (kBlockRows * 4);
// Below so many tiles of rows, a group's weights are not reused enough to pay for blocks of k.
constexpr int kBlockedTiles = 4;

// A tile's place in the product.
struct Tile {
  int row, column;       // of its first element
  int k_begin, k_count;  // the steps of k to add
  const char* next;      // what to fetch meanwhile, and how many bytes further with each k
  std::int64_t next_step;
};

// Calls f(pointer into y, accumulator, columns there are) for every register of the tile.
template <int kRows, int kRegs, typename F>
[[gnu::always_inline]] inline void for_tile(const LinearArgs& a, const Tile& tile,
                                            Reg (&acc)[kRows][kRegs], const F& f) {
  float* y = a.y + tile.row * a.y_stride + tile.column;
#pragma GCC unroll 16
  for (int c = 0; c < kRegs; ++c) {
    const int left = a.n - tile.column - c * kLanes;
    if (left <= 0) break;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) f(y + r * a.y_stride + c * kLanes, acc[r][c], left);
  }
}

template <int kRows, int kRegs, Prefetch kPrefetch>
[[gnu::noinline]] void f32_tile(const LinearArgs& a, const Tile& tile) {
  Reg acc[kRows][kRegs];
  clear(acc);
  if (tile.k_begin > 0) {
    for_tile(a, tile, acc, [](const float* y, Reg& sum, int left) {
      sum = left >= kLanes ? load_reg(y) : load_first(y, left);
    });
  }
  const std::int64_t panel_size = std::int64_t{a.k} * kPanelWidth;
  const float* w = a.panels + tile.column / kPanelWidth * panel_size;
  accumulate<kRows, kRegs, kPrefetch>(a.x + tile.row * a.x_stride + tile.k_begin, a.x_stride,
                                      w + std::int64_t{tile.k_begin} * kPanelWidth, panel_size,
                                      tile.k_count, tile.next, tile.next_step, acc);
  const bool last = tile.k_begin + tile.k_count == a.k;
  if (last && a.bias != nullptr) {
#pragma GCC unroll 16
    for (int c = 0; c < kRegs; ++c) {
      const Reg bias = load_reg(a.bias + tile.column + c * kLanes);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) acc[r][c] = add(acc[r][c], bias);
    }
  }
  for_tile(a, tile, acc, [](float* y, Reg sum, int left) {
    if (left >= kLanes) {
      store_reg(y, sum);
    } else {
      store_first(y, sum, left);
    }
  });
  if (!last || a.activation == Activation::none) return;
  // Once more over what is in cache: cheaper than a copy of the tile for every activation.
  const int left = a.n - tile.column, width = left < kRegs * kLanes ? left : kRegs * kLanes;
  float* y = a.y + tile.row * a.y_stride + tile.column;
  for (int r = 0; r < kRows; ++r) activate(y + r * a.y_stride, width, a.activation);
}

using TileFunction = void (*)(const LinearArgs&, const Tile&);

// The tile function of so many rows and registers of columns, kRows counting down to match.
template <Prefetch kPrefetch, int kRegs, int kRows>
TileFunction tile_of_rows(int rows) {
  if (rows == kRows) return &f32_tile<kRows, kRegs, kPrefetch>;
  if constexpr (kRows > 1) return tile_of_rows<kPrefetch, kRegs, kRows - 1>(rows);
  return nullptr;
}

template <Prefetch kPrefetch, int kRegs>
TileFunction find_tile(int rows, int regs) {
  if (regs == kRegs) {
    return tile_of_rows < kPrefetch, kRegs, kRegs <= kTileRegs ? kTileRows : kFlatRows > (rows);
  }
  if constexpr (kRegs > kRegsPerPanel) {
    return find_tile<kPrefetch, kRegs - kRegsPerPanel>(rows, regs);
  }
  return nullptr;
}

// What one of `tiles` tiles fetches of the next group, `panels` panels from `first`: its share of
// the lines that lie `panel_size` floats apart from panel to panel.
void share_fetch(const float* first, int panels, std::int64_t panel_size, int k_count, int tiles,
                 int t, Tile& tile) {
  if (tiles < panels) {
    // Whole panels lie one after the other, because k is not in blocks then.
    tile.next_step = (std::int64_t{kAlignment} * panels + tiles - 1) / tiles;
    tile.next = reinterpret_cast<const char*>(first) + t * tile.next_step * k_count;
    return;
  }
  const int panel = t * panels / tiles;
  const int begin = part_count(panel * tiles, panels);  // the tiles that share this panel
  const int sharing = part_count((panel + 1) * tiles, panels) - begin;
  tile.next_step = (kAlignment + sharing - 1) / sharing;
  tile.next = reinterpret_cast<const char*>(first + panel * panel_size) +
              (t - begin) * tile.next_step * k_count;
}

// A block of rows and of k, times all panels of the call.
void multiply_block(const LinearArgs& a, int row_begin, int rows, int k_begin, int k_count) {
  const int tiles = part_count(rows, kTileRows);
  const int most_regs = tiles == 1 && rows <= kFlatRows ? kFlatRegs : kTileRegs;
  const int panels = a.panel_end - a.panel_begin;
  const int groups = part_count(panels, most_regs / kRegsPerPanel);
  const std::int64_t panel_size = std::int64_t{a.k} * kPanelWidth;
  const auto group_begin = [&](int group) {
    return a.panel_begin + part_begin(panels, groups, group);
  };
  for (int group = 0; group < groups; ++group) {
    const int first = group_begin(group), end = group_begin(group + 1);
    const int regs = (end - first) * kRegsPerPanel;
    Tile tile{0, first * kPanelWidth, k_begin, k_count, nullptr, 0};
    for (int t = 0; t < tiles; ++t) {
      const int begin = part_begin(rows, tiles, t);
      const int count = part_begin(rows, tiles, t + 1) - begin;
      tile.row = row_begin + begin;
      if (tiles == 1) {
        find_tile<Prefetch::stream, kFlatRegs>(count, regs)(a, tile);
      } else if (group + 1 == groups) {
        find_tile<Prefetch::none, kTileRegs>(count, regs)(a, tile);
      } else {
        share_fetch(a.panels + end * panel_size + std::int64_t{k_begin} * kPanelWidth,
                    group_begin(group + 2) - end, panel_size, k_count, tiles, t, tile);
        find_tile<Prefetch::next, kTileRegs>(count, regs)(a, tile);
      }
    }
  }
}

}  // namespace

void linear(const LinearArgs& a) noexcept {
  if (a.panel_begin >= a.panel_end) return;
  const int blocks = part_count(a.m, kBlockRows);
  const int depths = a.m >= kBlockedTiles * kTileRows && a.k > kBlockDepth + kBlockDepth / 2
                         ? part_count(a.k, kBlockDepth)
                         : 1;
  for (int i = 0; i < blocks; ++i) {
    const int row = part_begin(a.m, blocks, i), rows = part_begin(a.m, blocks, i + 1) - row;
    for (int d = 0; d < depths; ++d) {
      const int k = part_begin(a.k, depths, d);
      multiply_block(a, row, rows, k, part_begin(a.k, depths, d + 1) - k);
    }
  }
}

}  // namespace sapwood::kernels::KERNEL_ISA
