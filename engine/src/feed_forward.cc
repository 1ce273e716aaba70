#include "feed_forward.h"

#include <algorithm>

#include "model_state.h"
#include "run/run.h"

namespace sapwood {

struct FeedForward::Impl {
  Model model;
  Workspace workspace;
  int begin = 0, end = 0;  // nodes
  bool narrows = false;    // `narrow` comes before them
  Node narrow;
  ValueId x = kNoValue, y = kNoValue;
  int cols = 0;

  explicit Impl(const Model& of) : model(of), workspace(state_of(of).graph, state_of(of).capacity) {
    const std::vector<Node>& nodes = graph().nodes();
    // The norm before or after, and what narrows its result, are not of the part.
    const auto is_part = [](const Node& node) {
      return node.name.starts_with("layers.0.ffn") &&
             !std::holds_alternative<LayerNormOp>(node.op) &&
             !node.name.starts_with("layers.0.ffn.norm");
    };
    const auto first = std::find_if(nodes.begin(), nodes.end(), is_part);
    if (first == nodes.end()) throw Error(ErrorCode::unsupported, "the model has no feedforward");
    begin = static_cast<int>(first - nodes.begin());
    end = static_cast<int>(std::find_if(nodes.rbegin(), nodes.rend(), is_part).base() -
                           nodes.begin());
    if (begin > 0 && std::holds_alternative<NarrowOp>(nodes[begin - 1].op)) --begin;
    x = nodes[begin].uses().reads[0];
    quantize_input();
    y = nodes[end - 1].uses().writes[0];
    cols = graph().value(x).cols;
  }

  const Graph& graph() const { return state_of(model).graph; }

  // Where the norm before writes u8 for the part, the part begins with what that comes from.
  void quantize_input() {
    if (graph().value(x).type != kernels::DType::int8) return;
    const auto writer = static_cast<std::size_t>(graph().value(x).first_node);
    const LayerNormOp& norm = std::get<LayerNormOp>(graph().nodes()[writer].op);
    narrow.op =
        NarrowOp{.x = norm.y, .y = x, .type = kernels::DType::int8, .cols = graph().value(x).cols};
    x = norm.y;
    narrows = true;
  }
};

FeedForward::FeedForward(const Model& model) : impl_(std::make_unique<Impl>(model)) {}
FeedForward::~FeedForward() = default;

int FeedForward::cols() const noexcept { return impl_->cols; }
int FeedForward::most_rows() const noexcept { return impl_->workspace.capacity().tokens; }

void FeedForward::load(std::span<const float> x) {
  const std::size_t rows = x.size() / static_cast<std::size_t>(cols());
  if (rows * static_cast<std::size_t>(cols()) != x.size() || rows == 0 ||
      rows > static_cast<std::size_t>(most_rows())) {
    throw Error(ErrorCode::invalid_argument, "feedforward: expected 1 to " +
                                                 std::to_string(most_rows()) + " rows of " +
                                                 std::to_string(cols()) + " numbers, found " +
                                                 std::to_string(x.size()) + " numbers");
  }
  impl_->workspace.batch.ids.resize(rows);  // one token a row
  std::copy(x.begin(), x.end(), impl_->workspace.at(impl_->x));
}

MatrixView FeedForward::run() {
  Impl& i = *impl_;
  ThreadsAccess::run(
      state_of(i.model).team, state_of(i.model).capacity.threads,
      [](void* context, Team& team) {
        Impl& part = *static_cast<Impl*>(context);
        if (part.narrows) run_node(part.graph(), part.narrow, part.workspace, team);
        for (int node = part.begin; node < part.end; ++node) {
          run_node(part.graph(), part.graph().nodes()[static_cast<std::size_t>(node)],
                   part.workspace, team);
        }
      },
      &i);
  return {i.workspace.at(i.y), i.workspace.batch.tokens(), i.cols};
}

}  // namespace sapwood
