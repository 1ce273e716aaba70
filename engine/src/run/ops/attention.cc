// Softmax attention.
#include <algorithm>

#include "run/running.h"

namespace sapwood {

// A task is a group of one sequence's heads.
void AttentionOp::run(const Running& running) const noexcept {
  const Batch& batch = running.batch();
  const int threads = running.team.threads();
  const int wanted = threads == 1 || batch.sequences() >= 4 * threads ? 1 : threads;
  const std::int64_t longest = batch.longest();
  const std::int64_t seen = std::min<std::int64_t>(longest, 2 * std::int64_t{reach} + 1);
  const std::int64_t work = 2 * longest * seen * heads * head_dim;
  const int groups = std::min(heads, std::max(wanted, running.pieces(work, kPieceProduct)));
  running.for_each(batch.sequences() * groups, [&](int task, int thread) {
    const int sequence = task / groups, group = task % groups;
    const std::int64_t first = batch.starts[sequence];
    const kernels::AttentionArgs args{
        .qkv = running.row(x, first),
        .out = running.row(y, first),
        .out_type = running.value(y).type,
        .scratch = reinterpret_cast<float*>(running.scratch(scratch, thread)),
        .length = batch.starts[sequence + 1] - batch.starts[sequence],
        .heads = heads,
        .head_dim = head_dim,
        .head_begin = heads * group / groups,
        .head_end = heads * (group + 1) / groups,
        .scale = scale,
        .bias = bias,
        .bias_stride = bias_stride,
        .reach = reach};
    if (type == kernels::DType::bf16) {
      running.kernels().attention_bf16(args);
    } else {
      running.kernels().attention_f32(args);
    }
  });
}

OpDescription AttentionOp::describe(const kernels::KernelTable& kernels) const {
  return {.op = "attention",
          .kernel = kernel_name("attention", type, kernels),
          .epilogue = bias != nullptr                    ? "bias"
                      : reach != kernels::kWholeSequence ? "local"
                                                         : "",
          .type = type};
}

}  // namespace sapwood
