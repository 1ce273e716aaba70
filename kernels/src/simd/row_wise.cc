// The kernels that work row by row or element by element, once for every instruction set.
#include "isa.h"
#include "simd/quantize.h"
#include "simd/tile.h"

namespace sapwood::kernels::KERNEL_ISA {
namespace {

// Calls f(column, count) for the registers of a row: count is kLanes except for the last one.
template <typename F>
[[gnu::always_inline]] inline void for_columns(int cols, const F& f) {
  int j = 0;
  for (; j + kLanes <= cols; j += kLanes) f(j, kLanes);
  if (j < cols) f(j, cols - j);
}

inline Vec load_up_to(const float* p, int count) {
  return Vec(count == kLanes ? load_reg(p) : load_first(p, count));
}

// 1 / sqrt(variance + eps) from the sum of squared deviations.
inline float inverse_deviation(float squares, int cols, float eps) {
  const float variance = squares / static_cast<float>(cols) + eps;
  return 1.0f / _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(variance)));
}

inline void quantize_normed(const LayerNormArgs& a, int row, const Extent& extent) {
  const QuantizedRange range = extent.range();
  a.scales[row] = range.row;
  store_quantized(a.y + std::int64_t{row} * a.cols, a.cols, range, a.q + row * a.q_stride);
}

constexpr int kNormRows = 2;

// kRows rows from `row` on, side by side, so that none waits for its own sums, while those behind them are fetched.
// kQuantized: q is wanted.
template <int kRows, bool kQuantized>
void norm_rows(const LayerNormArgs& a, int row) {
  const std::int64_t first = std::int64_t{row} * a.cols, cols = a.cols;
  const float* x = a.x + first;
  const float* residual = a.residual == nullptr ? nullptr : a.residual + first;
  // The sums go where the caller wants them, else where y will be: x may be overwritten only now.
  float* sum = a.sum != nullptr ? a.sum + first : a.y + first;
  Vec total[kRows], mean[kRows], squares[kRows], scale[kRows];
  for (Vec& t : total) t = Vec(0.0f);
  for_columns(a.cols, [&](int j, int count) [[gnu::always_inline]] {
#pragma GCC unroll 2
    for (int r = 0; r < kRows; ++r) {
      Vec s = load_up_to(x + r * cols + j, count);
      if (residual != nullptr) s = s + load_up_to(residual + r * cols + j, count);
      store_up_to(sum + r * cols + j, s, count);
      total[r] = total[r] + s;
    }
  });
  if (a.y == nullptr) return;
#pragma GCC unroll 2
  for (int r = 0; r < kRows; ++r) {
    mean[r] = Vec(sum_lanes(total[r]) / static_cast<float>(a.cols));
    squares[r] = Vec(0.0f);
  }
  for_columns(a.cols, [&](int j, int count) [[gnu::always_inline]] {
#pragma GCC unroll 2
    for (int r = 0; r < kRows; ++r) {
      Vec deviation = load_up_to(sum + r * cols + j, count) - mean[r];
      if (count < kLanes) deviation = Vec(blend_first(deviation, zero(), count));
      squares[r] = mul_add(deviation, deviation, squares[r]);
      prefetch_l1(x + (kRows + r) * cols + j);
    }
  });
#pragma GCC unroll 2
  for (int r = 0; r < kRows; ++r) {
    scale[r] = Vec(inverse_deviation(sum_lanes(squares[r]), a.cols, a.eps));
  }
  Extent extents[kRows];
  float* const y = a.y + first;
  for_columns(a.cols, [&](int j, int count) [[gnu::always_inline]] {
    const Vec gamma = load_up_to(a.gamma + j, count);
    const Vec beta = a.beta == nullptr ? Vec(0.0f) : load_up_to(a.beta + j, count);
#pragma GCC unroll 2
    for (int r = 0; r < kRows; ++r) {
      Vec value = (load_up_to(sum + r * cols + j, count) - mean[r]) * scale[r] * gamma;
      if (a.beta != nullptr) value = value + beta;
      store_up_to(y + r * cols + j, value, count);
      if (residual != nullptr) prefetch_l1(residual + (kRows + r) * cols + j);
      if constexpr (kQuantized) {
        if (count < kLanes) value = Vec(blend_first(value, zero(), count));
        extents[r].take(value);
      }
    }
  });
  if constexpr (kQuantized) {
    for (int r = 0; r < kRows; ++r) quantize_normed(a, row + r, extents[r]);
  }
}

template <bool kQuantized>
void norm_all(const LayerNormArgs& a) {
  int i = 0;
  for (; i + kNormRows <= a.rows; i += kNormRows) norm_rows<kNormRows, kQuantized>(a, i);
  for (; i < a.rows; ++i) norm_rows<1, kQuantized>(a, i);
}

// Elements of the word embedding's row `id`, wherever they stand: in a row-major table in place, in
// panels copied out of one column, a word from each line.
template <typename T>
class WordRow {
 public:
  WordRow(const EmbeddingArgs& a, std::int64_t id)
      : packed_(a.word_panels), row_(static_cast<const T*>(a.word) + id * a.cols) {
    if (!packed_) return;
    const std::int64_t words = (a.cols + kPerWord - 1) / kPerWord;
    column_ = static_cast<const std::byte*>(a.word) + id / kPanelWidth * words * kLine +
              id % kPanelWidth * 4;
  }

  // `count` elements from j on, a multiple of kLanes.
  const T* at(int j, int count) {
    if (!packed_) return row_ + j;
    const std::byte* from = column_ + j / kPerWord * kLine;
    for (int i = 0; i < count; i += kPerWord, from += kLine) __builtin_memcpy(copy_ + i, from, 4);
    return copy_;
  }

 private:
  static constexpr int kPerWord = 4 / sizeof(T);
  static constexpr std::int64_t kLine = kPanelWidth * 4;
  bool packed_;
  const T* row_;
  const std::byte* column_ = nullptr;
  T copy_[kLanes];
};

// y gets the rotated rows of x by `store`, which writes `count` lanes.
template <typename T, typename Store>
void rotate(const RotaryArgs& a, T* all, const Store& store) {
  const int half = a.head_dim / 2, hidden = a.heads * a.head_dim;
  for (int i = 0; i < a.rows; ++i) {
    const float* x = a.x + std::int64_t{i} * 3 * hidden;
    T* y = all + std::int64_t{i} * 3 * hidden;
    const float* cosines = a.table + std::int64_t{a.positions[i]} * a.head_dim;
    for (int at = 0; at < 2 * hidden; at += a.head_dim) {
      for_columns(half, [&](int d, int count) {
        const Vec low = load_up_to(x + at + d, count), high = load_up_to(x + at + half + d, count);
        const Vec cosine = load_up_to(cosines + d, count);
        const Vec sine = load_up_to(cosines + half + d, count);
        store(y + at + d, mul_sub(low, cosine, high * sine), count);
        store(y + at + half + d, mul_add(high, cosine, low * sine), count);
      });
    }
    if (static_cast<const void*>(x) == static_cast<const void*>(y)) continue;
    for_columns(hidden, [&](int j, int count) {
      store(y + 2 * hidden + j, load_up_to(x + 2 * hidden + j, count), count);
    });
  }
}

}  // namespace

void layer_norm(const LayerNormArgs& a) noexcept {
  if (a.y == nullptr && a.sum == nullptr) return;
  if (a.q != nullptr) return norm_all<true>(a);
  norm_all<false>(a);
}

void embedding(const EmbeddingArgs& a) noexcept {
  for (int i = 0; i < a.rows; ++i) {
    const float* position =
        a.position == nullptr ? nullptr : a.position + std::int64_t{a.positions[i]} * a.cols;
    const float* type = a.type == nullptr ? nullptr : a.type + std::int64_t{a.types[i]} * a.cols;
    float* y = a.y + std::int64_t{i} * a.cols;
    const auto add_to = [&](const auto& word) {
      for_columns(a.cols, [&](int j, int count) {
        Vec sum = word(j, count);
        if (position != nullptr) sum = sum + load_up_to(position + j, count);
        if (type != nullptr) sum = sum + load_up_to(type + j, count);
        store_up_to(y + j, sum, count);
      });
    };
    switch (a.word_type) {
      case DType::f32: {
        WordRow<float> row(a, a.ids[i]);
        add_to([&](int j, int count) { return load_up_to(row.at(j, count), count); });
        break;
      }
      case DType::bf16: {
        WordRow<Bf16> row(a, a.ids[i]);
        add_to([&](int j, int count) { return Vec(load_bf16(row.at(j, count), count)); });
        break;
      }
      case DType::int8: {
        WordRow<std::int8_t> row(a, a.ids[i]);
        const Vec scale(a.word_scales[a.ids[i]]);
        add_to([&](int j, int count) { return Vec(load_s8(row.at(j, count), count)) * scale; });
        break;
      }
    }
  }
}

void rotary(const RotaryArgs& a) noexcept {
  if (a.y_type == DType::bf16) {
    rotate(a, static_cast<Bf16*>(a.y), [](Bf16* p, Vec v, int count) { store_bf16(p, v, count); });
  } else {
    rotate(a, static_cast<float*>(a.y),
           [](float* p, Vec v, int count) { store_up_to(p, v, count); });
  }
}

void glu(const GluArgs& a) noexcept {
  const auto gated = [&](const auto& function) {
    for (int i = 0; i < a.rows; ++i) {
      const float* gate = a.x + std::int64_t{i} * 2 * a.cols;
      const float* value = gate + a.cols;
      float* y = a.y + std::int64_t{i} * a.cols;
      for_columns(a.cols, [&](int j, int count) {
        store_up_to(y + j, function(load_up_to(gate + j, count)) * load_up_to(value + j, count),
                    count);
      });
    }
  };
  if (a.activation == Activation::none) return gated([](Vec x) { return x; });
  with_activation(a.activation, gated);
}

void pool(const PoolArgs& a) noexcept {
  const int rows = a.pooling == Pooling::cls ? 1 : a.rows;
  const Vec divisor(a.pooling == Pooling::mean ? static_cast<float>(a.rows) : 1.0f);
  for_columns(a.cols, [&](int j, int count) {
    Vec result = load_up_to(a.x + j, count);
    for (int i = 1; i < rows; ++i) {
      const Vec x = load_up_to(a.x + std::int64_t{i} * a.cols + j, count);
      if (a.pooling == Pooling::mean) {
        result = result + x;
      } else {
        // A NaN stays, whichever side it comes from.
        result = xsimd::select(xsimd::isnan(result), result, max_or_nan(result, x));
      }
    }
    store_up_to(a.y + j, result / divisor, count);
  });
}

}  // namespace sapwood::kernels::KERNEL_ISA
