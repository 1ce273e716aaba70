// The decisions of a row (token) in several trees at once.
//
// A band is a row in up to eight trees, which take a step together: the row's registers are loaded once for all of them,
// and so many decisions are one register. Several bands take turns level by level, so that a decision has time, and so has
// memory for the nodes that it leads to. A dot product's order of adding is that of fff_walk.h.
#pragma once

#include "scratch.h"
#include "simd/fff_walk.h"

namespace sapwood::kernels {
namespace {

struct Band {
  const std::byte* x;
  const std::byte* rows[kBandTrees];  // of the nodes to visit
  __m256i nodes;                      // likewise, counted through all trees
  __m256i one_less_first;             // 1 less the number of each tree's root
  __m256i lanes;                      // of each tree; 0 where there is none: it repeats the first
  RowScale scale;
  int count;  // trees
};

// Numbers of the nodes of a band: a register of each field.
struct BandParams {
  __m256 bias, in_scale, out_scale, in_sum;
};

inline BandParams load_params(const FffNode* params, const std::int32_t* nodes) {
  static_assert(sizeof(FffNode) == 16);
  const auto load = [&](int low, int high) {
    const __m128 a = _mm_loadu_ps(&params[nodes[low]].bias);
    return _mm256_insertf128_ps(_mm256_castps128_ps256(a), _mm_loadu_ps(&params[nodes[high]].bias),
                                1);
  };
  const __m256 a = load(0, 4), b = load(1, 5), c = load(2, 6), d = load(3, 7);
  const __m256 low_ab = _mm256_unpacklo_ps(a, b), low_cd = _mm256_unpacklo_ps(c, d);
  const __m256 high_ab = _mm256_unpackhi_ps(a, b), high_cd = _mm256_unpackhi_ps(c, d);
  return {_mm256_shuffle_ps(low_ab, low_cd, 0x44), _mm256_shuffle_ps(low_ab, low_cd, 0xee),
          _mm256_shuffle_ps(high_ab, high_cd, 0x44), _mm256_shuffle_ps(high_ab, high_cd, 0xee)};
}

// Where nodes stand that are counted through all trees: rows[i] of nodes[i].
[[gnu::always_inline]] inline void find_rows(const Forest& f, __m256i nodes,
                                             const std::byte** rows) {
  const __m256i bytes = _mm256_set1_epi64x(f.node_bytes);
  const __m256i first = _mm256_set1_epi64x(reinterpret_cast<std::int64_t>(f.a.nodes));
  const auto four = [&](__m128i half) {
    return _mm256_add_epi64(_mm256_mul_epu32(_mm256_cvtepu32_epi64(half), bytes), first);
  };
  auto* const to = reinterpret_cast<__m256i*>(rows);
  _mm256_storeu_si256(to, four(_mm256_castsi256_si128(nodes)));
  _mm256_storeu_si256(to + 1, four(_mm256_extracti128_si256(nodes, 1)));
}

inline Band band_at(const Forest& f, int row, int tree, int count) {
  Band band;
  band.x = f.x(row);
  band.scale = f.a.x_scales == nullptr ? RowScale{} : f.a.x_scales[row];
  band.count = count;
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  band.lanes = _mm256_and_si256(lane, _mm256_cmpgt_epi32(_mm256_set1_epi32(count), lane));
  const __m256i trees = _mm256_add_epi32(band.lanes, _mm256_set1_epi32(tree));
  band.nodes = _mm256_mullo_epi32(trees, _mm256_set1_epi32(static_cast<int>(f.nodes)));
  band.one_less_first = _mm256_sub_epi32(_mm256_set1_epi32(1), band.nodes);
  find_rows(f, band.nodes, band.rows);
  return band;
}

// z from the dot products of a band. (fff_walk.h has it for one.)
template <typename Dot, typename Sum>
[[gnu::always_inline]] inline __m256 decide_band(const Sum* dots, const Band& band,
                                                 const BandParams& params) {
  const auto* const quads = reinterpret_cast<const __m128i*>(dots);  // as they were stored
  const __m256i sums = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_load_si128(quads)),
                                               _mm_load_si128(quads + 1), 1);
  if constexpr (Dot::kIntegers) {
    const __m256i zero = _mm256_set1_epi32(band.scale.zero - Dot::kOffset);
    const __m256i in_sum = _mm256_cvttps_epi32(params.in_sum);
    const __m256i all = _mm256_sub_epi32(sums, _mm256_mullo_epi32(zero, in_sum));
    const __m256 scale = _mm256_mul_ps(_mm256_set1_ps(band.scale.scale), params.in_scale);
    return _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(all), scale), params.bias);
  } else {
    return _mm256_add_ps(_mm256_castsi256_ps(sums), params.bias);
  }
}

// The dot products of a band's trees from `first` on, kDots at a time.
template <typename Dot, int kCount, typename Sum>
[[gnu::always_inline]] inline void multiply_band(const Forest& f, const Band& band, int first,
                                                 Sum* dots) {
  Fetcher fetcher(0);  // nothing
  typename Dot::Sum sums[kCount], all[kDots];
  multiply_rows<Dot, kCount, Shared::row>(&band.x, band.rows + first, f.words, sums, fetcher);
#pragma GCC unroll 8
  for (int i = 0; i < kDots; ++i) all[i] = i < kCount ? sums[i] : Dot::zero();
  sum_each(all, dots + first);
}

// Asks for bytes [begin, end) of a band's nodes, into the second level: for its next turn, or for its output.
template <int kCount>
[[gnu::always_inline]] inline void fetch_band(const Band& band, std::int64_t begin,
                                              std::int64_t end) {
  for (int i = 0; i < kCount; ++i) {
    for (std::int64_t at = begin; at < end; at += kAlignment) prefetch_l2(band.rows[i] + at);
  }
}

// A band of kCount trees takes the step of a level, which `out` keeps.
template <typename Dot, int kCount>
[[gnu::noinline]] void visit_band(const Forest& f, Band& band, int level, BandStep& out) {
  alignas(32) decltype(sum_lanes(Dot::zero())) dots[kBandTrees];
  alignas(32) std::int32_t nodes[kBandTrees];
  _mm256_store_si256(reinterpret_cast<__m256i*>(nodes), band.nodes);
  multiply_band < Dot, kCount<kDots ? kCount : kDots>(f, band, 0, dots);
  if constexpr (kCount > kDots) multiply_band<Dot, kCount - kDots>(f, band, kDots, dots);
  const BandParams params = load_params(f.a.params, nodes);
  const __m256 z = decide_band<Dot>(dots, band, params);
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i there = _mm256_cmpeq_epi32(band.lanes, lane);
  _mm256_store_ps(out.z, _mm256_and_ps(z, _mm256_castsi256_ps(there)));
  _mm256_store_ps(out.out_scale, params.out_scale);
  __builtin_memcpy(out.rows, band.rows, sizeof out.rows);
  if (level >= f.near) fetch_band<kCount>(band, f.out_at, f.node_bytes);
  if (level + 1 == f.levels) return;
  // 2 n + 1 in a tree, and one more to the right: the comparison gives -1.
  const __m256i right = _mm256_castps_si256(_mm256_cmp_ps(z, _mm256_setzero_ps(), _CMP_GT_OQ));
  const __m256i left =
      _mm256_add_epi32(_mm256_add_epi32(band.nodes, band.nodes), band.one_less_first);
  band.nodes = _mm256_permutevar8x32_epi32(_mm256_sub_epi32(left, right), band.lanes);
  find_rows(f, band.nodes, band.rows);
  if (level + 1 >= f.near) fetch_band<kCount>(band, 0, f.out_at);
}

template <typename Dot, int kCount = kBandTrees>
void step_band(const Forest& f, Band& band, int level, BandStep& out) {
  if constexpr (kCount > 1) {
    if (band.count < kCount) return step_band<Dot, kCount - 1>(f, band, level, out);
  }
  visit_band<Dot, kCount>(f, band, level, out);
}

// Bands that take turns level by level.
constexpr int kBandTurns = 8;

// The rows [begin, begin + count) walk the trees [tree, tree + trees) from the root down. Step `level` of the row
// begin + i in its band b is steps[(i * bands + b) * f.levels + level].
template <typename Dot>
void walk_forest(const Forest& f, int begin, int count, int tree, int trees, BandStep* steps) {
  Band bands[kBandTurns];
  const int row_bands = part_count(trees, kBandTrees), all = count * row_bands;
  for (int first = 0; first < all; first += kBandTurns) {
    const int turns = all - first < kBandTurns ? all - first : kBandTurns;
    for (int i = 0; i < turns; ++i) {
      const int row = (first + i) / row_bands, from = (first + i) % row_bands * kBandTrees;
      bands[i] = band_at(f, begin + row, tree + from,
                         trees - from < kBandTrees ? trees - from : kBandTrees);
    }
    BandStep* const at = steps + first * f.levels;
    for (int level = 0; level < f.levels; ++level) {
      for (int i = 0; i < turns; ++i) {
        step_band<Dot>(f, bands[i], level, at[i * f.levels + level]);
      }
    }
  }
}

}  // namespace
}  // namespace sapwood::kernels
