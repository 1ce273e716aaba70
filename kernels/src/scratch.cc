#include "scratch.h"

namespace sapwood::kernels {

std::size_t linear_scratch(DType type) noexcept {
  switch (type) {
    case DType::f32:
      return 0;
    case DType::bf16:
      return static_cast<std::size_t>(kWidenedRowBytes + kWidenedPanelBytes);
    case DType::int8:
      return static_cast<std::size_t>(kPreparedBytes);
  }
  return 0;
}

std::size_t attention_scratch(int length, int head_dim) noexcept {
  const AttentionScratch parts = attention_parts(length, head_dim);
  return static_cast<std::size_t>(parts.keys + parts.values + parts.scores + parts.weights);
}

std::size_t fff_scratch(int rows, int depth) noexcept {
  const FffScratch parts = fff_parts(rows, depth);
  const std::int64_t one_tree = parts.z + parts.nodes + parts.order;
  return static_cast<std::size_t>(one_tree > parts.steps ? one_tree : parts.steps);
}

}  // namespace sapwood::kernels
