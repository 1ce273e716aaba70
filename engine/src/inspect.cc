#include "sapwood/inspect.h"

#include "base/border.h"
#include "graph/graph.h"
#include "load/converted.h"
#include "model_state.h"

namespace sapwood {
namespace {

const char* op_name(Op op) {
  switch (op) {
    case Op::embedding:
      return "embedding";
    case Op::layer_norm:
      return "layer_norm";
    case Op::linear:
      return "linear";
    case Op::attention:
      return "attention";
    case Op::gelu_glu:
      return "gelu_glu";
    case Op::fff:
      return "fff";
    case Op::narrow:
      return "narrow";
    case Op::first_row:
      return "first_row";
    case Op::selected_rows:
      return "selected_rows";
    case Op::pool:
      return "pool";
  }
  return "?";
}

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

std::string epilogue(const Node& node) {
  std::string text;
  const auto add = [&](const char* part) { text += (text.empty() ? "" : "+") + std::string(part); };
  if (node.op == Op::linear && node.bias != nullptr) add("bias");
  switch (node.activation) {
    case kernels::Activation::none:
      break;
    case kernels::Activation::gelu:
      add("gelu");
      break;
    case kernels::Activation::gelu_tanh:
      add("gelu_tanh");
      break;
    case kernels::Activation::relu:
      add("relu");
      break;
    case kernels::Activation::tanh:
      add("tanh");
      break;
  }
  if (node.residual != kNoValue) add("residual");
  return text;
}

// Multiply-adds count as two operations; the part of attention that grows with length is left out.
std::int64_t ops_per_row(const Node& node) {
  const std::int64_t n = node.n, k = node.k;
  switch (node.op) {
    case Op::linear:
      return 2 * n * k;
    case Op::fff:
      return std::int64_t{4} * node.trees * (node.depth + 1) * n;
    case Op::layer_norm:
      return 8 * n;
    case Op::embedding:
      return 2 * n;
    case Op::gelu_glu:
      return 2 * n;
    default:
      return 0;
  }
}

// Bytes of a value's row.
std::int64_t row_bytes(const Value& value) {
  const std::int64_t words = row_stride(value) / kernels::elements_per_word(value.type);
  const bool scaled = value.type == kernels::DType::int8;
  return words * 4 + (scaled ? static_cast<std::int64_t>(sizeof(kernels::RowScale)) : 0);
}

// Weights that one row touches, plus what it reads and writes of activations.
std::int64_t bytes_per_row(const Node& node, const std::vector<Value>& values) {
  constexpr std::int64_t kFloat = sizeof(float);
  std::int64_t bytes = node.weight_bytes;
  if (node.op == Op::embedding) {
    const int tables = (node.weight != nullptr) + (node.bias != nullptr) + (node.extra != nullptr);
    const int words = node.n / kernels::elements_per_word(node.type);
    // Out of panels, a word comes with the cache line that it stands in.
    bytes = (tables - 1) * node.n * kFloat + words * (node.panels ? kernels::kAlignment : 4);
  } else if (node.op == Op::fff) {
    bytes = std::int64_t{node.trees} * (node.depth + 1) *
            (kernels::fff_node_bytes(node.n, node.decision_type, node.type) +
             static_cast<std::int64_t>(sizeof(kernels::FffNode)));
  }
  for (const ValueId id : {node.x, node.residual, node.y, node.sum}) {
    if (id != kNoValue) bytes += row_bytes(values[id]);
  }
  return bytes;
}

std::string kernel_name(const Node& node, const kernels::KernelTable& kernels) {
  switch (node.op) {
    case Op::first_row:
    case Op::selected_rows:
      return "copy";
    case Op::narrow:
      return (node.type == kernels::DType::int8 ? "quantize_" : "to_bf16_") +
             std::string(kernels.name);
    case Op::linear:
      if (node.onednn != nullptr) return std::string("onednn_matmul_") + to_string(node.type);
      [[fallthrough]];
    default:
      return std::string(op_name(node.op)) + "_" + to_string(node.type) + "_" + kernels.name;
  }
}

}  // namespace

GraphSummary summarize(const Model& model) try {
  const Graph& graph = state_of(model).graph;
  const Capacity& capacity = state_of(model).capacity;
  const ArenaPlan plan = plan_arena(graph.values(), capacity);
  GraphSummary summary{.nodes = {}, .arena_bytes = plan.bytes, .batch_tokens = capacity.tokens};
  const std::vector<Value>& values = graph.values();
  for (const Node& node : graph.nodes()) {
    NodeSummary s;
    s.index = static_cast<int>(summary.nodes.size());
    s.name = node.name;
    s.op = op_name(node.op);
    s.epilogue = epilogue(node);
    for (const ValueId id : {node.x, node.residual}) {
      if (id != kNoValue) s.inputs.push_back(values[id].name);
    }
    const ValueId written = node.y != kNoValue ? node.y : node.sum;
    const Value& y = values[written];
    s.output = y.name;
    s.shape = std::string("[") + rows_name(y.rows) + ", " + std::to_string(y.cols) + "]";
    s.dtype = to_string(node.type);
    s.kernel = kernel_name(node, graph.kernels());
    s.weight_bytes = node.weight_bytes;
    s.bytes_per_row = bytes_per_row(node, values);
    s.ops_per_row = ops_per_row(node);
    s.buffer_offset = plan.placements[static_cast<std::size_t>(written)].offset;
    summary.nodes.push_back(std::move(s));
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
  // sum writes "<name>.sum".
  for (const NodeSummary& reader : graph.nodes) {
    for (const std::string& input : reader.inputs) {
      for (int i = reader.index - 1; i >= 0; --i) {
        const NodeSummary& writer = graph.nodes[i];
        if (writer.output == input || writer.output + ".sum" == input) {
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
  info.unused_tensors = state.parts.unused_tensors;
  info.source_sha256 = state.parts.source_sha256;
  return info;
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
