// The packed matrix product with fused bias and activation, for every type of weights.
//
// Everything is counted in 32-bit words of k (kernels.h, DType): a line of a panel holds one word
// for each of its 16 columns whatever the type, so that one set of loops serves all.
//
// Loops, from the outside: a block of rows and a block of k, whose activations stay in the
// second-level cache; a group of panels, whose weights are read once for the block and stay in
// cache meanwhile; tiles of rows. While one group is multiplied, the next one is fetched. Between
// blocks of k the sums wait in y, exactly as they are, so an element's chain is the same with any
// blocking. With a single tile of rows every weight is used once: then the loop is a stream over
// the weights, and fetches its own ahead.
#pragma once

#include "isa.h"
#include "scratch.h"
#include "simd/math.h"
#include "simd/tile.h"

namespace sapwood::kernels {
namespace {

// Rows and words of a block: 768 KB of activations in the second-level cache, beside two groups'
// weights.
constexpr int kBlockRows = 32 * kTileRows;
constexpr int kBlockWords = 768 * 1024 / (kBlockRows * 4);
// Below so many tiles of rows, a group's weights are not reused enough to pay for blocks of k.
constexpr int kBlockedTiles = 4;

// A product in bytes and words.
struct Product {
  const LinearArgs& a;
  const std::byte* x;
  std::int64_t x_stride;  // bytes
  int words;              // of k
  bool narrow;            // y is bf16
};

inline Product product_of(const LinearArgs& a, DType type) {
  const int words = (a.k + elements_per_word(type) - 1) / elements_per_word(type);
  return {.a = a,
          .x = static_cast<const std::byte*>(a.x),
          .x_stride = a.x_stride * 4 / elements_per_word(type),
          .words = words,
          .narrow = a.y_type == DType::bf16};
}

// Registers of columns in a tile that stands beside others.
template <typename Dot>
constexpr int tile_regs() {
  if constexpr (requires { Dot::kTileRegs; }) return Dot::kTileRegs;
  return kTileRegs;
}

// Rows of a block: so many as the scratch memory holds in the form that Dot wants. It holds the
// longest row.
template <typename Dot>
int block_rows(int words) {
  if constexpr (!kPreparesRows<Dot>) return kBlockRows;
  const std::int64_t rows =
      (Dot::kIntegers ? kPreparedBytes : kWidenedRowBytes) / (words * kWordBytes<Dot>);
  return rows < kBlockRows ? static_cast<int>(rows) : kBlockRows;
}

// A tile's place in the product.
struct Tile {
  const std::byte* x;  // its first row's first word to add
  std::int64_t x_stride;
  const std::int32_t* starts;  // of its rows' sums, where Dot prepares rows
  Operand w;                   // its panels, from the first word to add on
  int row, column;             // of its first element
  int begin, words;            // the words of k to add
  const char* next;            // what to fetch meanwhile, and how many bytes further with each word
  std::int64_t next_step;
  std::byte* widened = nullptr;  // where Panels::FirstDot leaves the panels as floats
};

// What becomes of a row's sums in the columns from `column`: floats, with the bias.
template <typename Dot>
[[gnu::always_inline]] inline Reg finish(const LinearArgs& a, int row, int column,
                                         typename Dot::Sum sum) {
  Reg value;
  if constexpr (Dot::kIntegers) {
    const RowScale x = a.x_scales[row];
    value = mul(to_floats(sum, x.zero - Dot::kOffset, a.sums + column),
                mul(broadcast(x.scale), load_reg(a.scales + column)));
  } else {
    value = sum;
  }
  return a.bias == nullptr ? value : add(value, load_reg(a.bias + column));
}

// Writes one finished row of a tile, `width` columns, from the floats that `values` holds.
inline void store_narrow(const float* values, int width, Bf16* y) {
  for (int j = 0; j < width; j += kLanes) {
    store_bf16(y + j, load_reg(values + j), width - j < kLanes ? width - j : kLanes);
  }
}

// The sums that an earlier block of k left in y, and what the rows start from.
template <typename Dot, int kRows, int kRegs>
[[gnu::always_inline]] inline void begin_sums(const LinearArgs& a, const Tile& tile, const float* y,
                                              typename Dot::Sum (&acc)[kRows][kRegs]) {
  const int left = a.n - tile.column;
  clear<Dot>(acc);
  if (tile.begin > 0) {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
      for (int c = 0; c < kRegs; ++c) {
        const int count = left - c * kLanes;
        if (count <= 0) break;
        const float* at = y + r * a.y_stride + c * kLanes;
        from_floats(count >= kLanes ? load_reg(at) : load_first(at, count), acc[r][c]);
      }
    }
  }
  if constexpr (kPreparesRows<Dot>) {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
      for (int c = 0; c < kRegs; ++c) acc[r][c] = Dot::plus(acc[r][c], tile.starts[r]);
    }
  }
}

// Leaves the sums in y for the next block of k.
template <typename Dot, int kRows, int kRegs>
[[gnu::always_inline]] inline void leave_sums(const LinearArgs& a, const Tile& tile, float* y,
                                              typename Dot::Sum (&acc)[kRows][kRegs]) {
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int c = 0; c < kRegs; ++c) {
      store_up_to(y + r * a.y_stride + c * kLanes, as_floats(acc[r][c]),
                  a.n - tile.column - c * kLanes);
    }
  }
}

template <typename Dot, int kRows, int kRegs, Prefetch kPrefetch>
[[gnu::noinline]] void multiply_tile(const Product& p, const Tile& tile) {
  const LinearArgs& a = p.a;
  typename Dot::Sum acc[kRows][kRegs];
  const int left = a.n - tile.column, width = left < kRegs * kLanes ? left : kRegs * kLanes;
  const std::int64_t first = tile.row * a.y_stride + tile.column;
  float* const y = static_cast<float*>(a.y) + first;
  begin_sums<Dot>(a, tile, y, acc);
  if constexpr (requires { Dot::kWidens; }) {
    Dot::accumulate(tile, acc);
  } else {
    accumulate<Dot, kRows, kRegs, kPrefetch>({tile.x, tile.x_stride}, tile.w, tile.words,
                                             {tile.next, tile.next_step}, acc);
  }
  if (tile.begin + tile.words < p.words) return leave_sums<Dot>(a, tile, y, acc);
  if (!p.narrow) {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
      for (int c = 0; c < kRegs; ++c) {
        if (c * kLanes >= left) break;
        store_up_to(y + r * a.y_stride + c * kLanes,
                    finish<Dot>(a, tile.row + r, tile.column + c * kLanes, acc[r][c]),
                    left - c * kLanes);
      }
    }
    if (a.activation == Activation::none) return;
    // Once more over what is in cache: cheaper than a copy of the tile for every activation.
    for (int r = 0; r < kRows; ++r) activate(y + r * a.y_stride, width, a.activation);
    return;
  }
  float values[kRows][kRegs * kLanes];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int c = 0; c < kRegs; ++c) {
      if (c * kLanes >= left) break;
      store_reg(values[r] + c * kLanes,
                finish<Dot>(a, tile.row + r, tile.column + c * kLanes, acc[r][c]));
    }
  }
  for (int r = 0; r < kRows; ++r) {
    activate(values[r], width, a.activation);
    store_narrow(values[r], width, static_cast<Bf16*>(a.y) + first + r * a.y_stride);
  }
}

// The most rows of a tile of so many registers of columns, and the most registers for so many rows.
template <typename Dot>
constexpr int most_rows(int regs) {
  const int rows = kAccumulators / regs < kTileRows ? kAccumulators / regs : kTileRows;
  // Both halves of widened weights and activations need registers beside the sums.
  if constexpr (requires { Dot::kWidened; }) return rows < kWidenedRows ? rows : kWidenedRows;
  return rows;
}
template <typename Dot>
constexpr int most_regs(int rows) {
  int regs = kFlatRegs;
  while (most_rows<Dot>(regs) < rows) regs -= kRegsPerPanel;
  return regs;
}

using TileFunction = void (*)(const Product&, const Tile&);

// The fewest rows of a tile: one that stands alone has any number, several share the rows evenly.
template <typename Dot, Prefetch kPrefetch>
constexpr int kLeastRows = kPrefetch == Prefetch::stream
                               ? 1
                               : (most_rows<Dot>(tile_regs<Dot>()) + 1) / 2;

// The tile function of so many rows and registers of columns, kRows counting down to match.
template <typename Dot, Prefetch kPrefetch, int kRegs, int kRows>
TileFunction tile_of_rows(int rows) {
  if (rows == kRows) return &multiply_tile<Dot, kRows, kRegs, kPrefetch>;
  if constexpr (kRows > kLeastRows<Dot, kPrefetch>) {
    return tile_of_rows<Dot, kPrefetch, kRegs, kRows - 1>(rows);
  }
  return nullptr;
}

template <typename Dot, Prefetch kPrefetch, int kRegs>
TileFunction find_tile(int rows, int regs) {
  if (regs == kRegs) {
    return tile_of_rows<Dot, kPrefetch, kRegs, most_rows<Dot>(kRegs)>(rows);
  }
  if constexpr (kRegs > kRegsPerPanel) {
    return find_tile<Dot, kPrefetch, kRegs - kRegsPerPanel>(rows, regs);
  }
  return nullptr;
}

// What a tile fetches of the next group: bytes behind the group's first line, and with each word.
struct Share {
  std::int64_t from, step;
};

// The shares of `tiles` tiles in `panels` panels, which lie `panel_size` bytes apart and have
// `word_bytes` bytes for each word that a tile adds.
inline void share_fetch(int panels, std::int64_t panel_size, int word_bytes, int words, int tiles,
                        Share* shares) {
  for (int t = 0; t < tiles; ++t) {
    if (tiles < panels) {
      // Whole panels lie one after the other, because k is not in blocks then.
      const std::int64_t step = (std::int64_t{word_bytes} * panels + tiles - 1) / tiles;
      shares[t] = {t * step * words, step};
      continue;
    }
    const int panel = t * panels / tiles;
    const int begin = part_count(panel * tiles, panels);  // the tiles that share this panel
    const int sharing = part_count((panel + 1) * tiles, panels) - begin;
    const std::int64_t step = (word_bytes + sharing - 1) / sharing;
    shares[t] = {panel * panel_size + (t - begin) * step * words, step};
  }
}

// Rows and words of k that are multiplied together.
struct Block {
  int row, rows;                         // the first one and how many
  int word, words;                       // likewise
  Operand x;                             // the rows, from the first word on
  const std::int32_t* starts = nullptr;  // of the rows' sums, where Dot prepares rows
};

// Panels that tiles read as they are packed.
struct PackedPanels {
  const std::byte* panels;
  std::int64_t panel_size;                       // bytes
  static constexpr int kWordBytes = kLineBytes;  // packed, for each word that a tile adds

  // From the block's first word on.
  const std::byte* at(int panel, const Block& block) const {
    return panels + panel * panel_size + std::int64_t{block.word} * kWordBytes;
  }
};

// A block times all panels of the call.
template <typename Dot, typename Panels>
void multiply_block(const Product& p, const Panels& weights, const Block& block) {
  const LinearArgs& a = p.a;
  const int rows = block.rows, words = block.words;
  const int tiles = part_count(rows, most_rows<Dot>(tile_regs<Dot>()));
  const int panels = a.panel_end - a.panel_begin;
  const int regs_of_group = tiles == 1 ? most_regs<Dot>(rows) : tile_regs<Dot>();
  const int groups = part_count(panels, regs_of_group / kRegsPerPanel);
  const auto group_begin = [&](int group) {
    return a.panel_begin + part_begin(panels, groups, group);
  };
  // Divisions are made once for the block: a tile of a short k takes little longer than a few.
  int row_at[kBlockRows + 1];
  for (int t = 0; t <= tiles; ++t) row_at[t] = part_begin(rows, tiles, t);
  Share shares[kBlockRows];
  int shared_panels = 0;
  for (int group = 0; group < groups; ++group) {
    const int first = group_begin(group), end = group_begin(group + 1);
    const int regs = (end - first) * kRegsPerPanel;
    const bool last = group + 1 == groups;
    const std::byte* next = weights.at(end, block);
    const int next_panels = last ? 0 : group_begin(group + 2) - end;
    if (tiles > 1 && !last && next_panels != shared_panels) {
      share_fetch(next_panels, weights.panel_size, Panels::kWordBytes, words, tiles, shares);
      shared_panels = next_panels;
    }
    Tile tile{.x = block.x.data,
              .x_stride = block.x.stride,
              .starts = block.starts,
              .w = {weights.at(first, block), weights.panel_size},
              .row = 0,
              .column = first * kPanelWidth,
              .begin = block.word,
              .words = words,
              .next = nullptr,
              .next_step = 0};
    for (int t = 0; t < tiles; ++t) {
      const int begin = row_at[t], count = row_at[t + 1] - begin;
      tile.row = block.row + begin;
      tile.x = block.x.data + begin * block.x.stride;
      if constexpr (kPreparesRows<Dot>) tile.starts = block.starts + begin;
      if (!last && tiles > 1) {  // one tile alone streams
        tile.next = reinterpret_cast<const char*>(next) + shares[t].from;
        tile.next_step = shares[t].step;
      }
      if constexpr (requires { typename Panels::FirstDot; }) {
        if (t == 0) {
          // Its own panels where there are no others to fetch: one body for both.
          if (last) tile.next = reinterpret_cast<const char*>(tile.w.data);
          tile.widened = weights.widened;
          find_tile<typename Panels::FirstDot, Prefetch::next, tile_regs<Dot>()>(count, regs)(p,
                                                                                              tile);
          tile.w = {weights.widened, std::int64_t{words} * kLineBytes};
          continue;
        }
      } else if (tiles == 1) {
        find_tile<Dot, Prefetch::stream, kFlatRegs>(count, regs)(p, tile);
        continue;
      }
      if (last) {
        find_tile<Dot, Prefetch::none, tile_regs<Dot>()>(count, regs)(p, tile);
      } else {
        find_tile<Dot, Prefetch::next, tile_regs<Dot>()>(count, regs)(p, tile);
      }
    }
  }
}

// multiply_block() after its rows have been made ready.
template <typename Dot>
[[gnu::noinline]] void prepare_and_multiply(const Product& p, const PackedPanels& weights,
                                            Block block) {
  std::byte* const prepared = static_cast<std::byte*>(p.a.scratch);
  std::int32_t starts[kBlockRows];
  const std::int64_t stride = std::int64_t{block.words} * kWordBytes<Dot>;
  for (int r = 0; r < block.rows; ++r) {
    starts[r] =
        Dot::prepare_row(block.x.data + r * block.x.stride, block.words, prepared + r * stride);
  }
  block.x = {prepared, stride};
  block.starts = starts;
  multiply_block<Dot>(p, weights, block);
}

template <typename Dot>
void multiply(const LinearArgs& a, DType type) {
  if (a.panel_begin >= a.panel_end) return;
  const Product p = product_of(a, type);
  const PackedPanels weights{static_cast<const std::byte*>(a.panels),
                             std::int64_t{p.words} * kLineBytes};
  // A bf16 y has no room for sums to wait in.
  const bool in_depths =
      a.m >= kBlockedTiles * kTileRows && !p.narrow && p.words > kBlockWords + kBlockWords / 2;
  const int depths = in_depths ? part_count(p.words, kBlockWords) : 1;
  const int blocks = part_count(a.m, block_rows<Dot>(part_count(p.words, depths)));
  for (int i = 0; i < blocks; ++i) {
    const int row = part_begin(a.m, blocks, i), rows = part_begin(a.m, blocks, i + 1) - row;
    for (int d = 0; d < depths; ++d) {
      const int word = part_begin(p.words, depths, d);
      const int words = part_begin(p.words, depths, d + 1) - word;
      const Block block{.row = row,
                        .rows = rows,
                        .word = word,
                        .words = words,
                        .x = {p.x + row * p.x_stride + word * 4, p.x_stride}};
      if constexpr (kPreparesRows<Dot>) {
        prepare_and_multiply<Dot>(p, weights, block);
      } else {
        multiply_block<Dot>(p, weights, block);
      }
    }
  }
}

}  // namespace
}  // namespace sapwood::kernels
