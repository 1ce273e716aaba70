// How the kernels divide the scratch memory they are given: the same for every instruction set.
// Everything stands in an anonymous namespace because files of several instruction sets include it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sapwood/kernels/kernels.h"

namespace sapwood::kernels {
namespace {

// A product of int8 may want a block of its rows in another form, with 8 bytes for each of 4
// elements. So much is enough for the longest row.
constexpr std::int64_t kPreparedBytes = 2 * kMostInt8Depth;

// A product of bf16 that is widened: [a block of rows | a group of panels], both as floats. So much
// holds the longest row, and stays in the second-level cache.
constexpr std::int64_t kWidenedRowBytes = 4 * kMostBf16Depth;
constexpr int kWidenedDepth = 1024;  // of the panels
constexpr int kWidenedPanels = 3;
constexpr std::int64_t kWidenedPanelBytes =
    std::int64_t{4} * kPanelWidth * kWidenedDepth * kWidenedPanels;

// Attention handles the queries of a head in tiles of so many rows; their scores stay in cache.
constexpr int kQueryTile = 24;

// [K panels | V panels | scores of a tile | weights of a tile], in floats; each part a multiple of
// a cache line.
struct AttentionScratch {
  std::int64_t keys;     // [ceil(length/16)][head_dim][16]
  std::int64_t values;   // [ceil(head_dim/16)][length][16]
  std::int64_t scores;   // [kQueryTile][round_up(length, 16)]
  std::int64_t weights;  // the same of bf16, for attention over bf16; its panels need half the rest
};

constexpr AttentionScratch attention_parts(int length, int head_dim) {
  const std::int64_t padded = round_up(length, kPanelWidth);
  return {padded * head_dim, round_up(head_dim, kPanelWidth) * length, kQueryTile * padded,
          kQueryTile * padded / 2};
}

// The many-token path of CMM walks this many levels before it sorts the tokens by the node reached.
constexpr int kFffStage = 6;

constexpr std::int64_t fff_aligned(std::int64_t bytes) { return round_up(bytes, kAlignment); }

// Floats from one token's decisions z to the next one's.
constexpr std::int64_t fff_z_stride(int depth) { return round_up(depth + 1, kPanelWidth); }

// Rows that walk several trees before their output is computed, at most.
constexpr int kForestRows = 8;
// A step of a row down up to 8 trees side by side.
constexpr int kBandTrees = 8;
struct BandStep {
  alignas(32) float z[kBandTrees];  // decisions; 0 where the band has fewer trees
  float out_scale[kBandTrees];
  const std::byte* rows[kBandTrees];  // of the nodes visited
};
// Steps of a row, at most: those of fff_trees_together(depth) trees, of which the last 8 may be fewer.
constexpr int kMostSteps = (kMostFffVisits + (kBandTrees - 1) * 10) / kBandTrees;

// [z | node | order], or [steps] of several trees that are walked together; in bytes.
struct FffScratch {
  std::int64_t z;      // float [rows][fff_z_stride(depth)]
  std::int64_t nodes;  // int32 [rows]
  std::int64_t order;  // int32 [rows]
  std::int64_t steps;  // BandStep [kForestRows][kMostSteps]
};

constexpr FffScratch fff_parts(int rows, int depth) {
  const std::int64_t index = fff_aligned(std::int64_t{rows} * 4);
  return {fff_aligned(rows * fff_z_stride(depth) * 4), index, index,
          fff_aligned(std::int64_t{sizeof(BandStep)} * kMostSteps * kForestRows)};
}

}  // namespace
}  // namespace sapwood::kernels
