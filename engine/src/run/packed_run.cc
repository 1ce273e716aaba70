#include "run/packed_run.h"

#include <algorithm>
#include <functional>
#include <string>

#include "run/run.h"
#include "sapwood/error.h"

namespace sapwood {
namespace {

[[noreturn]] void fail_sequence(std::size_t index, const std::string& problem) {
  throw Error(ErrorCode::invalid_argument, "sequence " + std::to_string(index) + ": " + problem);
}

void check_range(std::size_t index, const char* what, std::span<const std::int32_t> values,
                 int limit) {
  for (const std::int32_t value : values) {
    if (value < 0 || value >= limit) {
      fail_sequence(index, std::string(what) + ": expected 0 to " + std::to_string(limit - 1) +
                               ", found " + std::to_string(value));
    }
  }
}

}  // namespace

void check_sequence(std::size_t index, const Sequence& s, const ModelConfig& config) {
  const int length =
      static_cast<int>(std::min<std::size_t>(s.ids.size(), config.max_positions + 1));
  if (length < 1 || length > config.max_positions) {
    fail_sequence(index, "expected 1 to " + std::to_string(config.max_positions) +
                             " tokens, found " + std::to_string(s.ids.size()));
  }
  check_range(index, "token id", s.ids, config.vocab_size);
  if (!s.type_ids.empty() && s.type_ids.size() != s.ids.size()) {
    fail_sequence(index, "expected one type id a token");
  }
  // DistilBERT has no type embeddings and ignores what a tokenizer says about types.
  if (config.type_vocab > 0) check_range(index, "type id", s.type_ids, config.type_vocab);
  check_range(index, "selected row", s.selected, length);
  if (!std::is_sorted(s.selected.begin(), s.selected.end(), std::less_equal<>{})) {
    fail_sequence(index, "expected the selected rows in ascending order");
  }
}

int cache_tokens(const Graph& graph, int threads) {
  const auto has_f32_trees = [](const Node& node) {
    const auto* fff = std::get_if<FffOp>(&node.op);
    return fff != nullptr && fff->out_type == kernels::DType::f32;
  };
  const std::vector<Node>& nodes = graph.nodes();
  if (std::any_of(nodes.begin(), nodes.end(), has_f32_trees)) {
    return threads == 1 ? 256 : std::numeric_limits<int>::max();
  }
  return threads == 1 ? 128 : 256 * threads;
}

PackedRun::PackedRun(const Graph& graph, const Capacity& capacity)
    : graph_(graph), workspace_(graph, capacity) {
  selected_starts_.reserve(static_cast<std::size_t>(capacity.sequences) + 1);
  selected_starts_.push_back(0);
}

bool PackedRun::add(const Sequence& s, int most_tokens) {
  Batch& batch = workspace_.batch;
  const auto length = static_cast<std::int64_t>(s.ids.size());
  if (batch.sequences() > 0 && batch.tokens() + length > most_tokens) return false;
  if (!batch.fits(s.ids.size(), s.selected.size(), capacity())) return false;
  batch.add(s.ids, s.type_ids, s.selected);
  selected_starts_.push_back(static_cast<std::int32_t>(batch.selected.size()));
  return true;
}

void PackedRun::clear() {
  workspace_.batch.clear();
  selected_starts_.resize(1);
}

void PackedRun::check(Output output) const {
  if (graph_.output(output) == nullptr) {
    throw Error(ErrorCode::unsupported, "the model is a bare encoder: it has no head");
  }
}

RunStatus PackedRun::run(Output output, const Threads& team, int threads, const StopToken& stop) {
  RunStatus status = RunStatus::ok;
  auto work = [&](Team& helpers) {
    status = run_nodes(graph_, graph_.output(output)->nodes, workspace_, helpers, stop);
  };
  ThreadsAccess::run(
      team, std::min(threads, capacity().threads),
      [](void* context, Team& helpers) { (*static_cast<decltype(work)*>(context))(helpers); },
      &work);
  return status;
}

void PackedRun::run_alone(Output output) {
  Team alone(1);
  run_nodes(graph_, graph_.output(output)->nodes, workspace_, alone);
}

MatrixView PackedRun::rows(Output output, std::size_t i) const {
  const ValueId id = graph_.output(output)->value;
  const Value& v = graph_.value(id);
  const std::vector<std::int32_t>& starts =
      v.rows == RowKind::selected ? selected_starts_ : workspace_.batch.starts;
  const bool one = v.rows == RowKind::sequences;
  const std::int64_t first = one ? static_cast<std::int64_t>(i) : starts[i];
  const int count = one ? 1 : starts[i + 1] - starts[i];
  return {workspace_.at(id) + first * v.cols, count, v.cols};
}

std::int64_t PackedRun::bytes() const {
  return workspace_.bytes() +
         static_cast<std::int64_t>(selected_starts_.capacity() * sizeof(std::int32_t));
}

}  // namespace sapwood
