#include "sapwood/inspect.h"

#include "base/border.h"
#include "graph/graph.h"
#include "load/converted.h"
#include "model_state.h"
#include "sapwood/kernels/processor.h"

namespace sapwood {
namespace {

const char* rows_name(RowKind rows) {
  switch (rows) {
    case RowKind::tokens:
      return "tokens";
    case RowKind::sequences:
      return "sequences";
    case RowKind::selected:
      return "selected";
  }
  return "?";
}

// Bytes of a value's row.
std::int64_t row_bytes(const Value& value) {
  const bool scaled = value.type == kernels::DType::int8;
  return row_stride_bytes(value) +
         (scaled ? static_cast<std::int64_t>(sizeof(kernels::RowScale)) : 0);
}

// Weights that one row touches, plus what it reads and writes of activations.
std::int64_t bytes_per_row(const Node& node, const OpDescription& op, const Graph& graph) {
  std::int64_t bytes = op.weight_bytes >= 0 ? op.weight_bytes : node.weight_bytes;
  const ValueUses uses = node.uses();
  const auto count = [&](ValueId id) {
    if (id != kNoValue) bytes += row_bytes(graph.value(id));
  };
  for (const ValueId id : uses.reads) count(id);
  for (const ValueId id : uses.writes) count(id);
  return bytes;
}

NodeSummary summarize_node(const Graph& graph, const Node& node, const ArenaPlan& plan) {
  const OpDescription op = node.describe(graph.kernels());
  const ValueUses uses = node.uses();
  NodeSummary s;
  s.name = node.name;
  s.op = op.op;
  s.epilogue = op.epilogue;
  for (const ValueId id : uses.reads) {
    if (id != kNoValue) s.inputs.push_back(graph.value(id).name);
  }
  const ValueId written = uses.writes[0] != kNoValue ? uses.writes[0] : uses.writes[1];
  const Value& y = graph.value(written);
  s.output = y.name;
  s.shape = std::string("[") + rows_name(y.rows) + ", " + std::to_string(y.cols) + "]";
  s.dtype = to_string(op.type);
  s.kernel = op.kernel;
  s.weight_bytes = node.weight_bytes;
  s.bytes_per_row = bytes_per_row(node, op, graph);
  s.ops_per_row = op.ops;
  s.buffer_offset = plan.placements[static_cast<std::size_t>(written)].offset;
  return s;
}

}  // namespace

GraphSummary summarize(const Model& model) try {
  const Graph& graph = state_of(model).graph;
  const Capacity& capacity = state_of(model).capacity;
  const ArenaPlan plan = plan_arena(graph.values(), capacity);
  GraphSummary summary{.nodes = {}, .arena_bytes = plan.bytes, .batch_tokens = capacity.tokens};
  for (const Node& node : graph.nodes()) {
    summary.nodes.push_back(summarize_node(graph, node, plan));
    summary.nodes.back().index = static_cast<int>(summary.nodes.size()) - 1;
  }
  return summary;
} catch (...) {
  throw_as_error();
}

std::string to_dot(const GraphSummary& graph) try {
  std::string dot = "digraph sapwood {\n  node [shape=box, fontname=\"sans-serif\"];\n";
  for (const NodeSummary& node : graph.nodes) {
    dot += "  n" + std::to_string(node.index) + " [label=\"" + node.name + "\\n" + node.kernel;
    if (!node.epilogue.empty()) dot += " +" + node.epilogue;
    dot += "\\n" + node.shape + "\"];\n";
  }
  // A value belongs to the last node before its reader that wrote it; a norm that also keeps the
  // sum writes "<name>.sum", one that quantizes "<name>.int8".
  for (const NodeSummary& reader : graph.nodes) {
    for (const std::string& input : reader.inputs) {
      for (int i = reader.index - 1; i >= 0; --i) {
        const NodeSummary& writer = graph.nodes[i];
        if (writer.output == input || writer.output + ".sum" == input ||
            writer.output + ".int8" == input) {
          dot +=
              "  n" + std::to_string(writer.index) + " -> n" + std::to_string(reader.index) + ";\n";
          break;
        }
      }
    }
  }
  return dot + "}\n";
} catch (...) {
  throw_as_error();
}

void verify(const std::filesystem::path& path) try { verify_converted(path); } catch (...) {
  throw_as_error();
}

ModelInfo inspect(const Model& model) try {
  const ModelAccess::State& state = state_of(model);
  ModelInfo info;
  info.config = state.parts.config;
  info.path = state.path;
  info.format = state.parts.format;
  info.dtype = state.parts.format == "converted" ? to_string(state.parts.weights.types().products)
                                                 : state.parts.source_dtype;
  info.parameters = state.parts.parameters;
  info.weight_bytes = state.parts.weights.bytes();
  info.max_length = state.max_length;
  info.isa = state.graph.kernels().name;
  const kernels::Processor& processor = kernels::this_processor();
  info.processor = std::string(processor.vendor) + " family " + std::to_string(processor.family) +
                   " model " + std::to_string(processor.model);
  info.processor_line = kernels::line_of(processor).name;
  for (const auto& [operation, set] : kernels::kernel_choices(state.graph.kernels())) {
    info.kernels.emplace_back(operation, set != nullptr ? set : "none");
  }
  info.unused_tensors = state.parts.unused_tensors;
  info.source_sha256 = state.parts.source_sha256;
  return info;
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
