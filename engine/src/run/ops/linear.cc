// Dense products.
#include <algorithm>

#include "run/running.h"

namespace sapwood {

// Columns are split first: each thread then streams its own weights. Rows only where there are
// fewer panels than threads.
void LinearOp::run(const Running& running) const noexcept {
  constexpr int kRowsOfPiece = 16;  // fewer would stream the weights for too little
  const int m = running.rows(x), panels = (n + kernels::kPanelWidth - 1) / kernels::kPanelWidth;
  const std::int64_t work = std::int64_t{m} * n * k;
  const int threads = work < kSmallProduct ? 1 : running.team.threads();
  const int column_parts = onednn != nullptr ? onednn->parts() : std::min(threads, panels);
  // How oneDNN sums a row may depend on how many there are, so that its products are not cut further.
  const int row_pieces = onednn != nullptr ? 1 : running.pieces(work / column_parts, kPieceProduct);
  const int row_parts = std::max(std::clamp(m / 64, 1, (threads + column_parts - 1) / column_parts),
                                 std::min(row_pieces, (m + kRowsOfPiece - 1) / kRowsOfPiece));
  running.for_each(column_parts * row_parts, [&](int task, int thread) {
    const int column = task % column_parts, part = task / column_parts;
    const int first = static_cast<int>(std::int64_t{m} * part / row_parts);
    const int last = static_cast<int>(std::int64_t{m} * (part + 1) / row_parts);
    const kernels::LinearArgs args{.x = running.row(x, first),
                                   .x_stride = row_stride(running.value(x)),
                                   .x_scales = running.scale(x, first),
                                   .panels = weight.data,
                                   .scales = weight.scales,
                                   .sums = weight.sums,
                                   .bias = bias,
                                   .y = running.row(y, first),
                                   .y_stride = row_stride(running.value(y)),
                                   .y_type = running.value(y).type,
                                   .m = last - first,
                                   .n = n,
                                   .k = k,
                                   .activation = activation,
                                   .scratch = running.workspace.linear_scratch(thread),
                                   .panel_begin = panels * column / column_parts,
                                   .panel_end = panels * (column + 1) / column_parts};
    OnednnScratch& scratch = running.workspace.onednn[static_cast<std::size_t>(thread)];
    if (onednn != nullptr && onednn->run(args, column, scratch)) return;
    switch (weight.type) {
      case kernels::DType::f32:
        return running.kernels().linear_f32(args);
      case kernels::DType::bf16:
        return running.kernels().linear_bf16(args);
      case kernels::DType::int8:
        return running.kernels().linear_int8(args);
    }
  });
}

const char* activation_name(kernels::Activation activation) {
  switch (activation) {
    case kernels::Activation::none:
      break;
    case kernels::Activation::gelu:
      return "gelu";
    case kernels::Activation::gelu_tanh:
      return "gelu_tanh";
    case kernels::Activation::relu:
      return "relu";
    case kernels::Activation::tanh:
      return "tanh";
    case kernels::Activation::silu:
      return "silu";
    case kernels::Activation::quick_gelu:
      return "quick_gelu";
    case kernels::Activation::gelu_10:
      return "gelu_10";
  }
  return "";
}

OpDescription LinearOp::describe(const kernels::KernelTable& kernels) const {
  std::string epilogue = bias != nullptr ? "bias" : "";
  if (activation != kernels::Activation::none) {
    epilogue += (epilogue.empty() ? "" : "+") + std::string(activation_name(activation));
  }
  return {.op = "linear",
          .kernel = onednn != nullptr ? std::string("onednn_matmul_") + to_string(weight.type)
                                      : kernel_name("linear", weight.type, kernels),
          .epilogue = std::move(epilogue),
          .type = weight.type,
          .ops = std::int64_t{2} * n * k};
}

}  // namespace sapwood
