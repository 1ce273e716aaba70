// What is computed row by row: lookups, norms, gates, and rows that are chosen, pooled or narrowed.
#include <cstring>

#include "run/running.h"

namespace sapwood {

void EmbeddingOp::run(const Running& running) const noexcept {
  const Batch& batch = running.batch();
  running.split_rows(batch.tokens(), cols, [&](int first, int count) {
    running.kernels().embedding({.ids = batch.ids.data() + first,
                                 .positions = batch.positions.data() + first,
                                 .types = batch.types.data() + first,
                                 .word = word.data,
                                 .word_type = word.type,
                                 .word_scales = word.scales,
                                 .word_panels = word_panels,
                                 .position = position,
                                 .type = token_type,
                                 .y = running.floats(y, first),
                                 .rows = count,
                                 .cols = cols});
  });
}

OpDescription EmbeddingOp::describe(const kernels::KernelTable& kernels) const {
  // A lookup touches one row of each table, not the tables. Out of panels, a word comes with the cache line that it
  // stands in.
  const int others = (position != nullptr) + (token_type != nullptr);
  const int words = cols / kernels::elements_per_word(word.type);
  const std::int64_t bytes = std::int64_t{others} * cols * std::int64_t{sizeof(float)} +
                             std::int64_t{words} * (word_panels ? kernels::kAlignment : 4);
  return {.op = "embedding",
          .kernel = kernel_name("embedding", word.type, kernels),
          .type = word.type,
          .ops = std::int64_t{2} * cols,
          .weight_bytes = bytes};
}

namespace {

// Row `row` of a value of u8; null for kNoValue.
std::uint8_t* u8(const Running& running, ValueId id, std::int64_t row) {
  return id == kNoValue ? nullptr : reinterpret_cast<std::uint8_t*>(running.row(id, row));
}

}  // namespace

void LayerNormOp::run(const Running& running) const noexcept {
  running.split_rows(running.rows(x), cols, [&](int first, int count) {
    running.kernels().layer_norm({.x = running.floats(x, first),
                                  .residual = running.floats(residual, first),
                                  .gamma = gamma,
                                  .beta = beta,
                                  .y = running.floats(y, first),
                                  .sum = running.floats(sum, first),
                                  .rows = count,
                                  .cols = cols,
                                  .eps = eps,
                                  .q = u8(running, q, first),
                                  .q_stride = q == kNoValue ? 0 : row_stride(running.value(q)),
                                  .scales = q == kNoValue ? nullptr : running.scale(q, first)});
  });
}

OpDescription LayerNormOp::describe(const kernels::KernelTable& kernels) const {
  return {.op = "layer_norm",
          .kernel = kernel_name("layer_norm", kernels::DType::f32, kernels),
          .epilogue = std::string(residual != kNoValue ? "residual" : "") +
                      (residual != kNoValue && q != kNoValue ? "+" : "") +
                      (q != kNoValue ? "quantize" : ""),
          .ops = std::int64_t{8} * cols};
}

void RotaryOp::run(const Running& running) const noexcept {
  const Batch& batch = running.batch();
  running.split_rows(running.rows(x), 3 * heads * head_dim, [&](int first, int count) {
    running.kernels().rotary({.x = running.floats(x, first),
                              .y = running.row(y, first),
                              .y_type = running.value(y).type,
                              .positions = batch.positions.data() + first,
                              .table = table,
                              .rows = count,
                              .heads = heads,
                              .head_dim = head_dim});
  });
}

OpDescription RotaryOp::describe(const kernels::KernelTable& kernels) const {
  return {.op = "rotary",
          .kernel = kernel_name("rotary", kernels::DType::f32, kernels),
          .ops = std::int64_t{6} * heads * head_dim,
          .weight_bytes = static_cast<std::int64_t>(sizeof(float)) * head_dim};
}

void GluOp::run(const Running& running) const noexcept {
  running.split_rows(running.rows(x), cols, [&](int first, int count) {
    running.kernels().glu({.x = running.floats(x, first),
                           .y = running.floats(y, first),
                           .rows = count,
                           .cols = cols,
                           .activation = activation});
  });
}

OpDescription GluOp::describe(const kernels::KernelTable& kernels) const {
  return {.op = "glu",
          .kernel = kernel_name("glu", kernels::DType::f32, kernels),
          .epilogue = activation_name(activation),
          .ops = std::int64_t{2} * cols};
}

void NarrowOp::run(const Running& running) const noexcept {
  const std::int64_t stride = row_stride(running.value(y));
  running.split_rows(running.rows(x), cols, [&](int first, int count) {
    float* from = running.floats(x, first);
    if (type == kernels::DType::bf16) {
      running.kernels().to_bf16({.x = from,
                                 .y = reinterpret_cast<kernels::Bf16*>(running.row(y, first)),
                                 .y_stride = stride,
                                 .rows = count,
                                 .cols = cols});
    } else {
      running.kernels().quantize({.x = from,
                                  .q = u8(running, y, first),
                                  .q_stride = stride,
                                  .scales = running.scale(y, first),
                                  .rows = count,
                                  .cols = cols,
                                  .activation = activation,
                                  .activated = from});
    }
  });
}

OpDescription NarrowOp::describe(const kernels::KernelTable& kernels) const {
  const char* kernel = type == kernels::DType::int8 ? "quantize_" : "to_bf16_";
  return {.op = "narrow",
          .kernel = kernel + std::string(kernels.name),
          .epilogue = activation_name(activation),
          .type = type};
}

namespace {

// Rows that are chosen: row from[i] of x becomes row i of y.
void copy_rows(const Running& running, ValueId x, ValueId y, std::span<const std::int32_t> from) {
  const auto bytes = static_cast<std::size_t>(running.value(x).cols) * sizeof(float);
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::memcpy(running.floats(y, static_cast<std::int64_t>(i)), running.floats(x, from[i]), bytes);
  }
}

}  // namespace

void FirstRowOp::run(const Running& running) const noexcept {
  const Batch& batch = running.batch();
  copy_rows(running, x, y, std::span(batch.starts).first(batch.starts.size() - 1));
}

OpDescription FirstRowOp::describe(const kernels::KernelTable&) const {
  return {.op = "first_row", .kernel = "copy"};
}

void SelectedRowsOp::run(const Running& running) const noexcept {
  copy_rows(running, x, y, running.batch().selected);
}

OpDescription SelectedRowsOp::describe(const kernels::KernelTable&) const {
  return {.op = "selected_rows", .kernel = "copy"};
}

void PoolOp::run(const Running& running) const noexcept {
  const Batch& batch = running.batch();
  for (int i = 0; i < batch.sequences(); ++i) {
    running.kernels().pool({.x = running.floats(x, batch.starts[i]),
                            .y = running.floats(y, i),
                            .rows = batch.starts[i + 1] - batch.starts[i],
                            .cols = cols,
                            .pooling = pooling});
  }
}

OpDescription PoolOp::describe(const kernels::KernelTable& kernels) const {
  return {.op = "pool", .kernel = kernel_name("pool", kernels::DType::f32, kernels)};
}

}  // namespace sapwood
