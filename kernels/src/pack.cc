#include "sapwood/kernels/pack.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "sapwood/kernels/bf16.h"

namespace sapwood::kernels {

namespace {

constexpr float kInt8Largest = 127.0f;

// Writes the [n, k] matrix in lines of 16 words: element (j, i) is value(j, i).
template <int kPerWord, typename W, typename Value>
void pack_panels(std::int64_t n, std::int64_t k, W* panels, const Value& value) {
  const std::int64_t words = round_up(k, kPerWord) / kPerWord;
  for (std::int64_t first = 0; first < n; first += kPanelWidth) {
    const std::int64_t width = std::min<std::int64_t>(kPanelWidth, n - first);
    W* panel = panels + first * words * kPerWord;
    if (width < kPanelWidth || k % kPerWord != 0) {
      std::memset(panel, 0, sizeof(W) * kPanelWidth * words * kPerWord);
    }
    // Blocks of k keep the rows being read and the lines being written in the first-level cache.
    constexpr std::int64_t kBlock = 64;
    for (std::int64_t block = 0; block < k; block += kBlock) {
      const std::int64_t end = std::min(k, block + kBlock);
      for (std::int64_t j = 0; j < width; ++j) {
        for (std::int64_t i = block; i < end; ++i) {
          panel[(i / kPerWord * kPanelWidth + j) * kPerWord + i % kPerWord] = value(first + j, i);
        }
      }
    }
  }
}

}  // namespace

void pack_linear(const float* w, std::int64_t n, std::int64_t k, float* panels) noexcept {
  pack_panels<1>(n, k, panels, [&](std::int64_t j, std::int64_t i) { return w[j * k + i]; });
}

void pack_linear_bf16(const float* w, std::int64_t n, std::int64_t k, Bf16* panels) noexcept {
  pack_panels<2>(n, k, panels,
                 [&](std::int64_t j, std::int64_t i) { return bf16_of(w[j * k + i]); });
}

void pack_linear_int8(const float* w, std::int64_t n, std::int64_t k, std::int8_t* panels,
                      float* scales, std::int32_t* sums) noexcept {
  const std::int64_t padded = round_up(n, kPanelWidth);
  std::fill_n(scales, padded, 0.0f);
  std::fill_n(sums, padded, 0);
  for (std::int64_t j = 0; j < n; ++j) scales[j] = int8_scale(w + j * k, k);
  pack_panels<4>(n, k, panels, [&](std::int64_t j, std::int64_t i) {
    const std::int8_t q = int8_of(w[j * k + i], scales[j]);
    sums[j] += q;
    return q;
  });
}

float int8_scale(const float* w, std::int64_t n) noexcept {
  float largest = 0.0f;
  for (std::int64_t i = 0; i < n; ++i) largest = std::max(largest, std::abs(w[i]));
  return largest / kInt8Largest;
}

std::int8_t int8_of(float w, float scale) noexcept {
  if (!(scale > 0.0f)) return 0;
  return static_cast<std::int8_t>(
      std::clamp(std::nearbyint(w / scale), -kInt8Largest, kInt8Largest));
}

namespace {

// Writes element i of a row of `type`, which stands for w.
void put(DType type, std::byte* row, std::int64_t i, float w, float scale) noexcept {
  switch (type) {
    case DType::f32:
      reinterpret_cast<float*>(row)[i] = w;
      break;
    case DType::bf16:
      reinterpret_cast<Bf16*>(row)[i] = bf16_of(w);
      break;
    case DType::int8:
      reinterpret_cast<std::int8_t*>(row)[i] = int8_of(w, scale);
      break;
  }
}

// The rows that a node decides by, with their numbers.
void pack_decisions(const FffWeights& f, std::byte* first, FffNode* params) {
  const std::int64_t total = f.trees * fff_nodes(f.depth);
  const std::int64_t node_bytes = fff_node_bytes(f.cols, f.decision_type, f.out_type);
  for (std::int64_t node = 0; node < total; ++node) {
    const float* w = f.linear_in + node * f.cols;
    std::byte* row = first + node * node_bytes;
    const float scale = f.decision_type == DType::int8 ? int8_scale(w, f.cols) : 1.0f;
    for (std::int64_t j = 0; j < f.cols; ++j) put(f.decision_type, row, j, w[j], scale);
    std::int32_t sum = 0;
    for (std::int64_t j = 0; f.decision_type == DType::int8 && j < f.cols; ++j) {
      sum += reinterpret_cast<const std::int8_t*>(row)[j];
    }
    params[node] = {f.bias[node], scale, 1.0f, static_cast<float>(sum)};
  }
}

// The rows that a node adds, with their scales. Transposes linear_out in blocks, so that neither side jumps by a whole row
// at every element.
void pack_outputs(const FffWeights& f, std::byte* first, FffNode* params) {
  constexpr std::int64_t kBlock = 32;
  const std::int64_t total = f.trees * fff_nodes(f.depth), cols = f.cols;
  const std::int64_t node_bytes = fff_node_bytes(cols, f.decision_type, f.out_type);
  const std::int64_t out_at = fff_row_bytes(cols, f.decision_type);
  for (std::int64_t node = 0; node < total; node += kBlock) {
    const std::int64_t node_end = std::min(total, node + kBlock);
    if (f.out_type == DType::int8) {
      float largest[kBlock] = {};
      for (std::int64_t j = 0; j < cols; ++j) {
        for (std::int64_t i = node; i < node_end; ++i) {
          largest[i - node] = std::max(largest[i - node], std::abs(f.linear_out[j * total + i]));
        }
      }
      for (std::int64_t i = node; i < node_end; ++i) {
        params[i].out_scale = largest[i - node] / kInt8Largest;
      }
    }
    for (std::int64_t col = 0; col < cols; col += kBlock) {
      const std::int64_t col_end = std::min(cols, col + kBlock);
      for (std::int64_t i = node; i < node_end; ++i) {
        std::byte* row = first + i * node_bytes + out_at;
        for (std::int64_t j = col; j < col_end; ++j) {
          put(f.out_type, row, j, f.linear_out[j * total + i], params[i].out_scale);
        }
      }
    }
  }
}

}  // namespace

void pack_fff(const FffWeights& weights, void* nodes, FffNode* params) noexcept {
  auto* const first = static_cast<std::byte*>(nodes);
  const std::int64_t bytes = packed_fff_bytes(weights.trees, weights.depth, weights.cols,
                                              weights.decision_type, weights.out_type);
  std::memset(first, 0, static_cast<std::size_t>(bytes));
  pack_decisions(weights, first, params);
  pack_outputs(weights, first, params);
}

}  // namespace sapwood::kernels
