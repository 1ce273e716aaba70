#include "run/run.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace sapwood {
namespace {

// Floats of element-wise work, and multiply-adds of a product, below which a second thread
// costs more than it saves.
constexpr std::int64_t kSmallElementwise = 1 << 13;
constexpr std::int64_t kSmallProduct = 1 << 16;

// Where a stop may be asked for, work is cut into pieces of at most so many multiply-adds (or floats
// of element-wise work, each some eight of them), between which it is asked: some 2 to 6 ms.
constexpr std::int64_t kPieceProduct = 100'000'000;
constexpr std::int64_t kPieceElementwise = kPieceProduct / 64;
constexpr int kRowsOfPiece = 16;  // fewer would stream the weights for too little

struct Run {
  const Graph& graph;
  Workspace& workspace;
  Team& team;
  const StopToken* stop;  // null: nobody can ask

  bool stopped() const { return stop != nullptr && stop->status() != RunStatus::ok; }

  // Into how many pieces work is cut at least.
  int pieces(std::int64_t work, std::int64_t piece) const {
    return stop == nullptr ? 1 : static_cast<int>((work + piece - 1) / piece);
  }

  // f(task, thread) for every task, as Team::for_each, but none any more after a stop.
  template <class F>
  void for_each(int tasks, F&& f) const {
    if (stop == nullptr) return team.for_each(tasks, f);
    team.for_each(tasks, [&](int task, int thread) {
      if (!stopped()) f(task, thread);
    });
  }

  const Value& value(ValueId id) const { return graph.values()[id]; }
  float* at(ValueId id) const { return id == kNoValue ? nullptr : workspace.at(id); }
  // A thread's part of scratch memory.
  std::byte* scratch_at(ValueId id, int thread) const {
    return reinterpret_cast<std::byte*>(at(id)) + workspace.placement(id).scales * thread;
  }
  // Row `row` of a value of any type, and the scale of a u8 row.
  std::byte* row_at(ValueId id, std::int64_t row) const {
    const Value& v = value(id);
    const std::int64_t bytes = row_stride(v) * 4 / kernels::elements_per_word(v.type);
    return reinterpret_cast<std::byte*>(at(id)) + row * bytes;
  }
  kernels::RowScale* scale_at(ValueId id, std::int64_t row) const {
    std::byte* scales = reinterpret_cast<std::byte*>(at(id)) + workspace.placement(id).scales;
    return reinterpret_cast<kernels::RowScale*>(scales) + row;
  }

  int rows(ValueId id) const { return workspace.batch.rows(value(id).rows); }

  // Splits rows evenly over the threads and calls f(first, count) for each share.
  template <class F>
  void split_rows(int rows, std::int64_t work, F&& f) const {
    const int threads = work < kSmallElementwise ? 1 : team.threads();
    const int parts = std::max(threads, std::min(rows, pieces(work, kPieceElementwise)));
    const int share = (rows + parts - 1) / parts;
    for_each(parts, [&](int part, int) {
      const int first = part * share;
      if (first < rows) f(first, std::min(share, rows - first));
    });
  }

  void embedding(const Node& node) const {
    const Batch& batch = workspace.batch;
    const int n = node.n;
    split_rows(batch.tokens(), std::int64_t{batch.tokens()} * n, [&](int first, int count) {
      graph.kernels().embedding({.ids = batch.ids.data() + first,
                                 .positions = batch.positions.data() + first,
                                 .types = batch.types.data() + first,
                                 .word = node.weight,
                                 .word_type = node.type,
                                 .word_scales = node.scales,
                                 .word_panels = node.panels,
                                 .position = node.bias,
                                 .type = node.extra,
                                 .y = at(node.y) + std::int64_t{first} * n,
                                 .rows = count,
                                 .cols = n});
    });
  }

  void layer_norm(const Node& node) const {
    const int all = rows(node.x), n = node.n;
    const auto row = [&](ValueId id, int first) {
      return id == kNoValue ? nullptr : at(id) + std::int64_t{first} * n;
    };
    split_rows(all, std::int64_t{all} * n, [&](int first, int count) {
      graph.kernels().layer_norm({.x = row(node.x, first),
                                  .residual = row(node.residual, first),
                                  .gamma = static_cast<const float*>(node.weight),
                                  .beta = node.bias,
                                  .y = row(node.y, first),
                                  .sum = row(node.sum, first),
                                  .rows = count,
                                  .cols = n,
                                  .eps = graph.norm_eps()});
    });
  }

  // Columns are split first: each thread then streams its own weights. Rows only where the panels
  // do not go round.
  void linear(const Node& node) const {
    const int m = rows(node.x), panels = (node.n + kernels::kPanelWidth - 1) / kernels::kPanelWidth;
    const std::int64_t work = std::int64_t{m} * node.n * node.k;
    const int threads = work < kSmallProduct ? 1 : team.threads();
    const int column_parts =
        node.onednn != nullptr ? node.onednn->parts() : std::min(threads, panels);
    // How oneDNN sums a row may depend on how many there are, so that its products are not cut further.
    const int row_pieces = node.onednn != nullptr ? 1 : pieces(work / column_parts, kPieceProduct);
    const int row_parts =
        std::max(std::clamp(m / 64, 1, (threads + column_parts - 1) / column_parts),
                 std::min(row_pieces, (m + kRowsOfPiece - 1) / kRowsOfPiece));
    for_each(column_parts * row_parts, [&](int task, int thread) {
      const int column = task % column_parts, row = task / column_parts;
      const int first = static_cast<int>(std::int64_t{m} * row / row_parts);
      const int last = static_cast<int>(std::int64_t{m} * (row + 1) / row_parts);
      const std::int64_t x_stride = row_stride(value(node.x)), y_stride = row_stride(value(node.y));
      const kernels::LinearArgs args{.x = row_at(node.x, first),
                                     .x_stride = x_stride,
                                     .x_scales = scale_at(node.x, first),
                                     .panels = node.weight,
                                     .scales = node.scales,
                                     .sums = node.sums,
                                     .bias = node.bias,
                                     .y = row_at(node.y, first),
                                     .y_stride = y_stride,
                                     .y_type = value(node.y).type,
                                     .m = last - first,
                                     .n = node.n,
                                     .k = node.k,
                                     .activation = node.activation,
                                     .scratch = workspace.linear_scratch(thread),
                                     .panel_begin = panels * column / column_parts,
                                     .panel_end = panels * (column + 1) / column_parts};
      OnednnScratch& scratch = workspace.onednn[static_cast<std::size_t>(thread)];
      if (node.onednn != nullptr && node.onednn->run(args, column, scratch)) return;
      switch (node.type) {
        case kernels::DType::f32:
          return graph.kernels().linear_f32(args);
        case kernels::DType::bf16:
          return graph.kernels().linear_bf16(args);
        case kernels::DType::int8:
          return graph.kernels().linear_int8(args);
      }
    });
  }

  void narrow(const Node& node) const {
    const int all = rows(node.x), n = node.n;
    split_rows(all, std::int64_t{all} * n, [&](int first, int count) {
      const auto* x = reinterpret_cast<const float*>(row_at(node.x, first));
      std::byte* y = row_at(node.y, first);
      const std::int64_t stride = row_stride(value(node.y));
      if (node.type == kernels::DType::bf16) {
        graph.kernels().to_bf16({.x = x,
                                 .y = reinterpret_cast<kernels::Bf16*>(y),
                                 .y_stride = stride,
                                 .rows = count,
                                 .cols = n});
      } else {
        graph.kernels().quantize({.x = x,
                                  .q = reinterpret_cast<std::uint8_t*>(y),
                                  .q_stride = stride,
                                  .scales = scale_at(node.y, first),
                                  .rows = count,
                                  .cols = n});
      }
    });
  }

  void attention(const Node& node) const {
    const Batch& batch = workspace.batch;
    const int heads = graph.heads(), head_dim = node.n / heads, threads = team.threads();
    const int wanted = threads == 1 || batch.sequences() >= 4 * threads ? 1 : threads;
    const std::int64_t longest = batch.longest();
    const int groups =
        std::min(heads, std::max(wanted, pieces(2 * longest * longest * node.n, kPieceProduct)));
    for_each(batch.sequences() * groups, [&](int task, int thread) {
      const int sequence = task / groups, group = task % groups;
      const std::int64_t first = batch.starts[sequence];
      const kernels::AttentionArgs args{
          .qkv = row_at(node.x, first),
          .out = row_at(node.y, first),
          .out_type = value(node.y).type,
          .scratch = reinterpret_cast<float*>(scratch_at(node.scratch, thread)),
          .length = batch.starts[sequence + 1] - batch.starts[sequence],
          .heads = heads,
          .head_dim = head_dim,
          .head_begin = heads * group / groups,
          .head_end = heads * (group + 1) / groups,
          .scale = 1.0f / std::sqrt(static_cast<float>(head_dim))};
      if (node.type == kernels::DType::bf16) {
        graph.kernels().attention_bf16(args);
      } else {
        graph.kernels().attention_f32(args);
      }
    });
  }

  void gelu_glu(const Node& node) const {
    const int all = rows(node.x), n = node.n;
    split_rows(all, std::int64_t{all} * n, [&](int first, int count) {
      graph.kernels().gelu_glu({.x = at(node.x) + std::int64_t{first} * 2 * n,
                                .y = at(node.y) + std::int64_t{first} * n,
                                .rows = count,
                                .cols = n});
    });
  }

  void fff(const Node& node) const {
    // A path's rows come from all over memory, so that a number of them costs some eight of a product's.
    const int all = rows(node.x);
    const std::int64_t work = std::int64_t{16} * all * node.trees * (node.depth + 1) * node.n;
    const int most = fff_rows(workspace.capacity());  // what the scratch memory is made for
    const int least_parts = std::max(
        {team.threads(), (all + most - 1) / most, std::min(all, pieces(work, kPieceProduct))});
    const int share = (all + least_parts - 1) / least_parts;
    for_each((all + share - 1) / share, [&](int part, int thread) {
      const int first = part * share;
      const kernels::FffArgs args{
          .x = row_at(node.x, first),
          .x_stride = row_stride(value(node.x)),
          .x_scales = scale_at(node.x, first),
          .residual = node.residual == kNoValue ? nullptr
                                                : at(node.residual) + std::int64_t{first} * node.n,
          .residual_stride = node.n,
          .nodes = node.weight,
          .params = reinterpret_cast<const kernels::FffNode*>(node.scales),
          .y = at(node.y) + std::int64_t{first} * node.n,
          .y_stride = node.n,
          .scratch = scratch_at(node.scratch, thread),
          .rows = std::min(share, all - first),
          .cols = node.n,
          .trees = node.trees,
          .depth = node.depth,
          .decision_type = node.decision_type,
          .out_type = node.type};
      switch (node.decision_type) {
        case kernels::DType::f32:
          return graph.kernels().fff_f32(args);
        case kernels::DType::bf16:
          return graph.kernels().fff_bf16(args);
        case kernels::DType::int8:
          return graph.kernels().fff_int8(args);
      }
    });
  }

  void copy_row(const Node& node, std::int64_t from, std::int64_t to) const {
    std::memcpy(at(node.y) + to * node.n, at(node.x) + from * node.n, node.n * sizeof(float));
  }

  void first_row(const Node& node) const {
    const Batch& batch = workspace.batch;
    for (int i = 0; i < batch.sequences(); ++i) copy_row(node, batch.starts[i], i);
  }

  void selected_rows(const Node& node) const {
    const Batch& batch = workspace.batch;
    for (std::size_t i = 0; i < batch.selected.size(); ++i) {
      copy_row(node, batch.selected[i], static_cast<std::int64_t>(i));
    }
  }

  void pool(const Node& node) const {
    const Batch& batch = workspace.batch;
    for (int i = 0; i < batch.sequences(); ++i) {
      graph.kernels().pool({.x = at(node.x) + std::int64_t{batch.starts[i]} * node.n,
                            .y = at(node.y) + std::int64_t{i} * node.n,
                            .rows = batch.starts[i + 1] - batch.starts[i],
                            .cols = node.n,
                            .pooling = node.pooling});
    }
  }

  void operator()(const Node& node) const {
    switch (node.op) {
      case Op::embedding:
        return embedding(node);
      case Op::layer_norm:
        return layer_norm(node);
      case Op::linear:
        return linear(node);
      case Op::attention:
        return attention(node);
      case Op::gelu_glu:
        return gelu_glu(node);
      case Op::fff:
        return fff(node);
      case Op::narrow:
        return narrow(node);
      case Op::first_row:
        return first_row(node);
      case Op::selected_rows:
        return selected_rows(node);
      case Op::pool:
        return pool(node);
    }
  }
};

}  // namespace

void run_node(const Graph& graph, const Node& node, Workspace& workspace, Team& team) noexcept {
  Run{graph, workspace, team, nullptr}(node);
}

RunStatus run_nodes(const Graph& graph, int count, Workspace& workspace, Team& team,
                    const StopToken& stop) noexcept {
  const Run run{graph, workspace, team, stop.can_stop() ? &stop : nullptr};
  for (int i = 0; i < count; ++i) {
    const RunStatus status = stop.status();
    if (status != RunStatus::ok) return status;
    run(graph.nodes()[i]);
  }
  return stop.status();
}

}  // namespace sapwood
