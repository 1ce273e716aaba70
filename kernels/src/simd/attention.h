// Softmax attention of one sequence, head by head, for floats and for bf16.
//
// A head's keys are transposed and its values copied into panels once; then tiles of queries go
// through scores = q K^T, softmax and weights V while their scores stay in cache. Both products are
// the tiles of tile.h, over words of one float or of two bf16. Scores, softmax and sums are floats;
// with bf16 the weights exp(..) are rounded before they multiply the values, and the division by
// their sum comes last. With a reach, a tile of queries reads the panels that hold keys for any of its
// queries, and each query's scores of keys beyond its own reach become -inf before its softmax.
//
// attention_f32.cc and attention_bf16.cc have the body without bias and reach, local_attention_f32.cc and
// local_attention_bf16.cc the other one: in one file, each costs the other what the compiler inlines.
//
// `Type` says what the numbers are:
//   Dot                            their products (f32_dot.h)
//   kPerWord                       how many share a word
//   load_words(p, count)           `count` words of a row; memory behind them is not touched
//   value_line(row, next, count)   a line of value panels: kLanes columns, `count` of them there,
//   of
//                                  one token, or of two; `next` is null where there is no second
//                                  one
//   power_nonpositive(x)           base^x for x <= 0, 0 for -inf, NaN for NaN
//   kLogOfBase                     the logarithm of e to that base
//   store_weights(p, e)            kLanes weights
#pragma once

#include "isa.h"
#include "scratch.h"
#include "simd/math.h"
#include "simd/tile.h"

namespace sapwood::kernels {
namespace {

// One head's view of the call. Rows are `stride` bytes apart.
struct Head {
  const std::byte* queries;  // [length, head_dim]; keys and values likewise
  const std::byte* keys;
  const std::byte* values;
  std::int64_t stride;
  void* out;  // [length, head_dim] of out_type, rows out_stride numbers apart
  std::int64_t out_stride;
  DType out_type;
  int length, head_dim;
  int key_words;    // of a query or key
  int value_words;  // of a row of weights: tokens, or pairs of them
  float scale;
  const float* bias;  // at distance 0, or null
  int reach;
  std::byte* key_panels;    // [ceil(length/16)][key_words] lines
  std::byte* value_panels;  // [ceil(head_dim/16)][value_words] lines
  float* scores;            // [kQueryTile][padded]
  std::byte* weights;       // [kQueryTile] rows, padded numbers apart; may be the scores themselves
  std::int64_t padded;      // round_up(length, 16)
};

// The keys that a tile of queries reads: `count` from `first` on, which begins a panel. Without a bias and a reach (kPlain)
// they are all, and nothing is computed for their sake: instructions count in short texts.
template <bool kPlain>
struct Keys {
  int first, count;
  int panels() const { return part_count(count, kPanelWidth); }
};
template <>
struct Keys<true> {
  static constexpr int first = 0;
};

// Keys beyond the last become zero columns.
template <typename Type>
void pack_keys(const Head& h) {
  for (int token = 0; token < h.padded; token += kLanes) {
    std::byte* panel = h.key_panels + token / kPanelWidth * std::int64_t{h.key_words} * kLineBytes +
                       token % kPanelWidth * 4;
    for (int word = 0; word < h.key_words; word += kLanes) {
      const int width = h.key_words - word < kLanes ? h.key_words - word : kLanes;
      Reg rows[kLanes];
      for (int i = 0; i < kLanes; ++i) {
        rows[i] = token + i < h.length
                      ? Type::load_words(h.keys + (token + i) * h.stride + word * 4, width)
                      : zero();
      }
      transpose(rows);
      for (int i = 0; i < width; ++i) {
        store_reg(reinterpret_cast<float*>(panel + (word + i) * kLineBytes), rows[i]);
      }
    }
  }
}

template <typename Type>
void pack_values(const Head& h) {
  for (int d = 0; d < h.head_dim; d += kLanes) {
    const int width = h.head_dim - d < kLanes ? h.head_dim - d : kLanes;
    std::byte* panel = h.value_panels + std::int64_t{d / kPanelWidth} * h.value_words * kLineBytes +
                       d % kPanelWidth * 4;
    for (int word = 0; word < h.value_words; ++word) {
      const int token = word * Type::kPerWord;
      const std::byte* row = h.values + token * h.stride + d * (4 / Type::kPerWord);
      const std::byte* next =
          Type::kPerWord == 2 && token + 1 < h.length ? row + h.stride : nullptr;
      store_reg(reinterpret_cast<float*>(panel + std::int64_t{word} * kLineBytes),
                Type::value_line(row, next, width));
    }
  }
}

// The largest of n floats.
inline float largest_of(const float* x, int n) {
  const int whole = n / kLanes * kLanes, rest = n - whole;
  const Vec lowest(-__builtin_inff());
  Vec largest = lowest;
  for (int j = 0; j < whole; j += kLanes) largest = xsimd::max(largest, Vec(load_reg(x + j)));
  if (rest > 0) largest = xsimd::max(largest, Vec(blend_first(load_reg(x + whole), lowest, rest)));
  return max_lane(largest);
}

// weights = exp(scale (x - largest)) over n floats, zeros up to the padding; returns 1 / sum.
template <typename Type>
float exponentials(const float* x, int n, float scale, float largest, std::byte* weights) {
  const int whole = n / kLanes * kLanes, rest = n - whole;
  const auto at = [&](int j) { return weights + j * (4 / Type::kPerWord); };
  const float unit = scale * Type::kLogOfBase;
  const Vec factor(unit), shift(largest * unit);
  const auto power = [&](int j) {
    return Type::power_nonpositive(mul_sub(Vec(load_reg(x + j)), factor, shift));
  };
  Vec sum(0.0f);
  int j = 0;
  for (; j < whole; j += kLanes) {
    const Vec e = power(j);
    sum = sum + e;
    Type::store_weights(at(j), e);
  }
  if (rest > 0) {
    const Vec kept(blend_first(power(whole), zero(), rest));
    sum = sum + kept;
    Type::store_weights(at(j), kept);
    j += kLanes;
  }
  for (; j < round_up(n, kPanelWidth); j += kLanes) Type::store_weights(at(j), zero());
  return 1.0f / sum_lanes(sum);
}

// rows x [columns of kRegs / kRegsPerPanel panels, from the tile's `panel` on] of the scores.
template <typename Type, int kRows, int kRegs, bool kPlain>
void score_tile(const Head& h, int query, Keys<kPlain> keys, int panel) {
  typename Type::Dot::Sum acc[kRows][kRegs];
  if (kPlain || h.bias == nullptr) {
    clear<typename Type::Dot>(acc);
  } else {
    const float* bias = h.bias + keys.first + panel * kPanelWidth - query;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
      for (int c = 0; c < kRegs; ++c) acc[r][c] = load_reg(bias + c * kLanes - r);
    }
  }
  const std::int64_t panel_size = std::int64_t{h.key_words} * kLineBytes;
  accumulate<typename Type::Dot, kRows, kRegs, Prefetch::none>(
      {h.queries + query * h.stride, h.stride},
      {h.key_panels + (keys.first / kPanelWidth + panel) * panel_size, panel_size}, h.key_words, {},
      acc);
  float* at = h.scores + panel * kPanelWidth;
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int c = 0; c < kRegs; ++c) store_reg(at + r * h.padded + c * kLanes, acc[r][c]);
  }
}

// rows x columns of the output: weights times values, divided by the sums.
template <typename Type, int kRows, int kRegs, bool kPlain>
void output_tile(const Head& h, int query, Keys<kPlain> keys, const float* inverses, int panel) {
  typename Type::Dot::Sum acc[kRows][kRegs];
  clear<typename Type::Dot>(acc);
  const std::int64_t panel_size = std::int64_t{h.value_words} * kLineBytes;
  const std::byte* values =
      h.value_panels + panel * panel_size + keys.first / Type::kPerWord * kLineBytes;
  int words = h.value_words;
  if constexpr (!kPlain) words = part_count(keys.count, Type::kPerWord);
  accumulate<typename Type::Dot, kRows, kRegs, Prefetch::none>(
      {h.weights, h.padded * (4 / Type::kPerWord)}, {values, panel_size}, words, {}, acc);
  const int column = panel * kPanelWidth;
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
    const std::int64_t first = (query + r) * h.out_stride + column;
    const Reg inverse = broadcast(inverses[r]);
#pragma GCC unroll 16
    for (int c = 0; c < kRegs; ++c) {
      const int left = h.head_dim - column - c * kLanes;
      if (left <= 0) break;
      const Reg value = mul(acc[r][c], inverse);
      if (h.out_type == DType::bf16) {
        store_bf16(static_cast<Bf16*>(h.out) + first + c * kLanes, value,
                   left < kLanes ? left : kLanes);
      } else if (left >= kLanes) {
        store_reg(static_cast<float*>(h.out) + first + c * kLanes, value);
      } else {
        store_first(static_cast<float*>(h.out) + first + c * kLanes, value, left);
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

// The scores of keys beyond the query's reach become -inf, whose weight is 0.
inline void drop_far(const Head& h, int query, Keys<false> keys, float* scores) {
  const int begin = query - h.reach - keys.first, end = query + h.reach + 1 - keys.first;
  for (int j = 0; j < begin; ++j) scores[j] = -__builtin_inff();
  for (int j = end; j < keys.count; ++j) scores[j] = -__builtin_inff();
}

// kRows queries through all three steps.
template <typename Type, int kRows, bool kPlain>
void attend_rows(const Head& h, int query) {
  Keys<kPlain> keys{};
  int panels = static_cast<int>(h.padded / kPanelWidth), count = h.length;
  if constexpr (!kPlain) {
    keys = {0, h.length};
    if (h.reach < h.length) {
      const int begin = query - h.reach, end = query + kRows + h.reach;
      if (begin > 0) keys.first = begin / kPanelWidth * kPanelWidth;
      keys.count = (end < h.length ? end : h.length) - keys.first;
    }
    panels = keys.panels();
    count = keys.count;
  }
  for_panels(panels, [&]<int kRegs>(int panel) {
    score_tile<Type, kRows, kRegs, kPlain>(h, query, keys, panel);
  });
  // All rows' maxima first: so none waits for its own.
  float largest[kRows], inverses[kRows];
  for (int r = 0; r < kRows; ++r) {
    float* scores = h.scores + r * h.padded;
    if constexpr (!kPlain) {
      if (h.reach < h.length) drop_far(h, query + r, keys, scores);
    }
    largest[r] = largest_of(scores, count);
  }
  for (int r = 0; r < kRows; ++r) {
    inverses[r] = exponentials<Type>(h.scores + r * h.padded, count, h.scale, largest[r],
                                     h.weights + r * h.padded * (4 / Type::kPerWord));
  }
  for_panels(part_count(h.head_dim, kPanelWidth), [&]<int kRegs>(int panel) {
    output_tile<Type, kRows, kRegs, kPlain>(h, query, keys, inverses, panel);
  });
}

template <typename Type, int kRows, bool kPlain>
void attend(const Head& h, int query, int rows) {
  if (rows == kRows) return attend_rows<Type, kRows, kPlain>(h, query);
  if constexpr (kRows > 1) attend<Type, kRows - 1, kPlain>(h, query, rows);
}

// Whether the body without bias and reach (kPlain) computes it.
inline bool is_plain(const AttentionArgs& a) { return a.bias == nullptr && a.reach >= a.length; }

template <typename Type, bool kPlain>
void attend_heads(const AttentionArgs& a) {
  constexpr int kSize = 4 / Type::kPerWord;
  const std::int64_t hidden = std::int64_t{a.heads} * a.head_dim;
  const AttentionScratch parts = attention_parts(a.length, a.head_dim);
  const auto* qkv = static_cast<const std::byte*>(a.qkv);
  auto* scratch = reinterpret_cast<std::byte*>(a.scratch);
  std::byte* scores = scratch + (parts.keys + parts.values) * 4;
  std::byte* weights = scores + (Type::kPerWord == 1 ? 0 : parts.scores * 4);
  const int tiles = part_count(a.length, kTileRows);
  for (int head = a.head_begin; head < a.head_end; ++head) {
    const std::int64_t first = std::int64_t{head} * a.head_dim;
    const Head h{.queries = qkv + first * kSize,
                 .keys = qkv + (hidden + first) * kSize,
                 .values = qkv + (2 * hidden + first) * kSize,
                 .stride = 3 * hidden * kSize,
                 .out = a.out_type == DType::bf16
                            ? static_cast<void*>(static_cast<Bf16*>(a.out) + first)
                            : static_cast<void*>(static_cast<float*>(a.out) + first),
                 .out_stride = hidden,
                 .out_type = a.out_type,
                 .length = a.length,
                 .head_dim = a.head_dim,
                 .key_words = a.head_dim / Type::kPerWord,
                 .value_words = (a.length + Type::kPerWord - 1) / Type::kPerWord,
                 .scale = a.scale,
                 .bias = a.bias == nullptr ? nullptr : a.bias + head * a.bias_stride,
                 .reach = a.reach,
                 .key_panels = scratch,
                 .value_panels = scratch + parts.keys * 4,
                 .scores = reinterpret_cast<float*>(scores),
                 .weights = weights,
                 .padded = round_up(a.length, kPanelWidth)};
    pack_keys<Type>(h);
    pack_values<Type>(h);
    for (int t = 0; t < tiles; ++t) {
      const int begin = part_begin(a.length, tiles, t);
      attend<Type, kTileRows, kPlain>(h, begin, part_begin(a.length, tiles, t + 1) - begin);
    }
  }
}

}  // namespace
}  // namespace sapwood::kernels
