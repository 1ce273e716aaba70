// The packed matrix product with fused bias and activation, fp32.
//
// Loops, from the outside: a block of rows whose activations stay in the second-level cache; a
// group of panels, whose weights are read once for the block and stay in cache meanwhile; tiles of
// rows. While one group is multiplied, the next one is fetched. With a single tile of rows every
// weight is used once: then the loop is a stream over the weights, and fetches its own ahead.
#include "isa.h"
#include "simd/math.h"
#include "simd/tile.h"

namespace sapwood::kernels::KERNEL_ISA {
namespace {

// Bytes of activations that a block of rows may keep in the second-level cache, beside a group's
// weights.
constexpr std::int64_t kBlockBytes = 768 * 1024;

// A tile's place in the product.
struct Tile {
  int row, column;       // of its first element
  const float* weights;  // its first panel
  const float* next;     // what to fetch meanwhile, and how many floats further with each k
  std::int64_t next_step;
};

// Adds the bias, stores what lies within the matrix and applies the activation while it is in
// cache.
template <int kRows, int kRegs>
[[gnu::always_inline]] inline void finish(const LinearArgs& a, int row, int column,
                                          Reg (&acc)[kRows][kRegs]) {
  if (a.bias != nullptr) {
#pragma GCC unroll 16
    for (int c = 0; c < kRegs; ++c) {
      const Reg bias = load_reg(a.bias + column + c * kLanes);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) acc[r][c] = add(acc[r][c], bias);
    }
  }
  float* y = a.y + row * a.y_stride + column;
  const int width = a.n - column < kRegs * kLanes ? a.n - column : kRegs * kLanes;
#pragma GCC unroll 16
  for (int c = 0; c < kRegs; ++c) {
    const int left = width - c * kLanes;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      float* at = y + r * a.y_stride + c * kLanes;
      if (left >= kLanes) {
        store_reg(at, acc[r][c]);
      } else if (left > 0) {
        store_first(at, acc[r][c], left);
      }
    }
  }
  if (a.activation == Activation::none) return;
  for (int r = 0; r < kRows; ++r) activate(y + r * a.y_stride, width, a.activation);
}

template <int kRows, int kRegs, Prefetch kPrefetch>
[[gnu::noinline]] void f32_tile(const LinearArgs& a, const Tile& tile) {
  Reg acc[kRows][kRegs];
  accumulate<kRows, kRegs, kPrefetch>(a.x + tile.row * a.x_stride, a.x_stride, tile.weights,
                                      std::int64_t{a.k} * kPanelWidth, a.k, tile.next,
                                      tile.next_step, acc);
  finish(a, tile.row, tile.column, acc);
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

// A block of rows times all panels of the call.
void multiply_block(const LinearArgs& a, int row_begin, int rows) {
  const int tiles = part_count(rows, kTileRows);
  const int most_regs = tiles == 1 && rows <= kFlatRows ? kFlatRegs : kTileRegs;
  const int most_panels = most_regs / kRegsPerPanel;
  const int panels = a.panel_end - a.panel_begin;
  const int groups = part_count(panels, most_panels);
  const std::int64_t panel_size = std::int64_t{a.k} * kPanelWidth;
  for (int group = 0; group < groups; ++group) {
    const int first = a.panel_begin + part_begin(panels, groups, group);
    const int end = a.panel_begin + part_begin(panels, groups, group + 1);
    const int after =
        group + 1 < groups ? part_begin(panels, groups, group + 2) + a.panel_begin : end;
    const int regs = (end - first) * kRegsPerPanel;
    const std::int64_t next_size = (after - end) * panel_size;  // floats to fetch, over all tiles
    Tile tile{0, first * kPanelWidth, a.panels + first * panel_size, nullptr, 0};
    for (int t = 0; t < tiles; ++t) {
      const int begin = part_begin(rows, tiles, t);
      const int count = part_begin(rows, tiles, t + 1) - begin;
      tile.row = row_begin + begin;
      if (tiles == 1) {
        find_tile<Prefetch::stream, kFlatRegs>(count, regs)(a, tile);
      } else if (next_size == 0) {
        find_tile<Prefetch::none, kTileRegs>(count, regs)(a, tile);
      } else {
        tile.next_step = next_size / (std::int64_t{tiles} * a.k);
        tile.next = a.panels + end * panel_size + t * (next_size / tiles);
        find_tile<Prefetch::next, kTileRegs>(count, regs)(a, tile);
      }
    }
  }
}

}  // namespace

void linear(const LinearArgs& a) noexcept {
  if (a.panel_begin >= a.panel_end) return;
  const std::int64_t fitting = kBlockBytes / (std::int64_t{a.k > 0 ? a.k : 1} * 4);
  const int block = fitting > 8 * kTileRows
                        ? static_cast<int>(fitting < 1 << 20 ? fitting : 1 << 20)
                        : 8 * kTileRows;
  const int blocks = part_count(a.m, block / kTileRows * kTileRows);
  for (int i = 0; i < blocks; ++i) {
    const int begin = part_begin(a.m, blocks, i);
    multiply_block(a, begin, part_begin(a.m, blocks, i + 1) - begin);
  }
}

}  // namespace sapwood::kernels::KERNEL_ISA
