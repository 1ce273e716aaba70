#include "sapwood/kernels/pack.h"

#include <algorithm>
#include <cstring>

namespace sapwood::kernels {

void pack_linear(const float* w, std::int64_t n, std::int64_t k, float* panels) noexcept {
  for (std::int64_t first = 0; first < n; first += kPanelWidth) {
    const std::int64_t width = std::min<std::int64_t>(kPanelWidth, n - first);
    float* panel = panels + first * k;
    if (width < kPanelWidth) std::memset(panel, 0, sizeof(float) * kPanelWidth * k);
    // Blocks of k keep the rows being read and the lines being written in the first-level cache.
    constexpr std::int64_t kBlock = 64;
    for (std::int64_t block = 0; block < k; block += kBlock) {
      const std::int64_t end = std::min(k, block + kBlock);
      for (std::int64_t j = 0; j < width; ++j) {
        const float* row = w + (first + j) * k;
        for (std::int64_t i = block; i < end; ++i) panel[i * kPanelWidth + j] = row[i];
      }
    }
  }
}

void pack_fff(const float* linear_in, const float* linear_out, int trees, int depth,
              std::int64_t cols, float* nodes) noexcept {
  const std::int64_t total = trees * fff_nodes(depth);
  const std::int64_t ld = round_up(cols, kPanelWidth);
  for (std::int64_t node = 0; node < total; ++node) {
    float* in = nodes + node * 2 * ld;
    std::memcpy(in, linear_in + node * cols, sizeof(float) * cols);
    std::memset(in + cols, 0, sizeof(float) * (ld - cols));
    std::memset(in + ld + cols, 0, sizeof(float) * (ld - cols));
  }
  // Transposes linear_out in blocks, so that neither side jumps by a whole row at every float.
  constexpr std::int64_t kBlock = 32;
  for (std::int64_t node = 0; node < total; node += kBlock) {
    const std::int64_t node_end = std::min(total, node + kBlock);
    for (std::int64_t col = 0; col < cols; col += kBlock) {
      const std::int64_t col_end = std::min(cols, col + kBlock);
      for (std::int64_t i = node; i < node_end; ++i) {
        float* out = nodes + (i * 2 + 1) * ld;
        for (std::int64_t j = col; j < col_end; ++j) out[j] = linear_out[j * total + i];
      }
    }
  }
}

}  // namespace sapwood::kernels
