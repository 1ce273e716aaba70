// Layers of trees: conditional matrix multiplication.
#include <algorithm>

#include "run/running.h"
#include "sapwood/kernels/processor.h"

namespace sapwood {

void FffOp::run(const Running& running) const noexcept {
  // A path's rows come from all over memory, so that a number of them costs some eight of a product's.
  const int all = running.rows(x);
  const std::int64_t work = std::int64_t{16} * all * trees * (depth + 1) * cols;
  const int most = fff_rows(running.workspace.capacity());  // what the scratch memory is made for
  const int least_parts = std::max({running.team.threads(), (all + most - 1) / most,
                                    std::min(all, running.pieces(work, kPieceProduct))});
  const int share = (all + least_parts - 1) / least_parts;
  running.for_each((all + share - 1) / share, [&](int part, int thread) {
    const int first = part * share;
    const kernels::FffArgs args{.x = running.row(x, first),
                                .x_stride = row_stride(running.value(x)),
                                .x_scales = running.scale(x, first),
                                .residual = running.floats(residual, first),
                                .residual_stride = cols,
                                .nodes = nodes,
                                .params = params,
                                .y = running.floats(y, first),
                                .y_stride = cols,
                                .scratch = running.scratch(scratch, thread),
                                .rows = std::min(share, all - first),
                                .cols = cols,
                                .trees = trees,
                                .depth = depth,
                                .decision_type = decision_type,
                                .out_type = out_type};
    switch (decision_type) {
      case kernels::DType::f32:
        return running.kernels().fff_f32(args);
      case kernels::DType::bf16:
        return running.kernels().fff_bf16(args);
      case kernels::DType::int8:
        return running.kernels().fff_int8(args);
    }
  });
}

OpDescription FffOp::describe(const kernels::KernelTable& kernels) const {
  const std::int64_t visits = std::int64_t{trees} * (depth + 1);
  return {.op = "fff",
          .kernel = std::string("fff_") + to_string(out_type) + "_" +
                    kernels::kernel_set(kernels, std::string("fff_") + to_string(decision_type)),
          .epilogue = residual != kNoValue ? "residual" : "",
          .type = out_type,
          .ops = 4 * visits * cols,
          .weight_bytes = visits * (kernels::fff_node_bytes(cols, decision_type, out_type) +
                                    static_cast<std::int64_t>(sizeof(kernels::FffNode)))};
}

}  // namespace sapwood
