// sapwood inspect: what a model is, and its static graph.
#include "sapwood/inspect.h"

#include <memory>

#include "commands.h"
#include "json.h"
#include "options.h"

namespace sapwood::cli {
namespace {

constexpr ModelKind kInspectKind{"a model", ""};

struct InspectArguments {
  ModelOptions model;
  std::string positional, output;
  std::string format;
  bool graph = false, json = false, verify = false;
};

Json feed_forward_json(const FeedForwardConfig& config) {
  Json json{{"type", to_string(config.kind)}};
  if (config.kind == FeedForwardKind::fff) {
    json["trees"] = config.trees;
    json["depth"] = config.depth;
    if (config.dense_width > 0) json["dense_width"] = config.dense_width;
  } else {
    json["width"] = config.width;
    json["activation"] = to_string(config.activation);
  }
  return json;
}

Json model_json(const ModelInfo& info) {
  const ModelConfig& config = info.config;
  Json json;
  json["path"] = info.path.string();
  json["format"] = info.format;
  json["dtype"] = info.dtype;
  json["architecture"] = to_string(config.architecture);
  json["head"] = to_string(config.head);
  if (config.head == HeadKind::sequence_classification) json["problem"] = to_string(config.problem);
  if (!config.labels.empty()) json["labels"] = config.labels;
  json["layers"] = config.layers;
  json["hidden"] = config.hidden;
  json["heads"] = config.heads;
  json["vocabulary"] = config.vocab_size;
  json["positions"] = config.max_positions;
  json["feed_forward"] = feed_forward_json(config.feed_forward);
  if (config.sentence) {
    json["pooling"] = to_string(config.sentence->pooling);
    json["normalize"] = config.sentence->normalize;
  }
  json["max_length"] = info.max_length;
  json["parameters"] = info.parameters;
  json["weight_bytes"] = info.weight_bytes;
  json["isa"] = info.isa;
  json["unused_tensors"] = info.unused_tensors;
  if (!info.source_sha256.empty()) json["source_sha256"] = info.source_sha256;
  return json;
}

Json graph_json(const GraphSummary& graph) {
  Json nodes = Json::array();
  for (const NodeSummary& node : graph.nodes) {
    nodes.push_back({{"index", node.index},
                     {"name", node.name},
                     {"op", node.op},
                     {"epilogue", node.epilogue},
                     {"inputs", node.inputs},
                     {"output", node.output},
                     {"shape", node.shape},
                     {"dtype", node.dtype},
                     {"kernel", node.kernel},
                     {"weight_bytes", node.weight_bytes},
                     {"bytes_per_row", node.bytes_per_row},
                     {"ops_per_row", node.ops_per_row},
                     {"buffer_offset", node.buffer_offset}});
  }
  return {{"arena_bytes", graph.arena_bytes},
          {"batch_tokens", graph.batch_tokens},
          {"nodes", std::move(nodes)}};
}

void write_model(OutputStream& output, const Json& model) {
  constexpr std::size_t kShown = 2000;  // of lists, the rest of which --json has
  for (const auto& [name, value] : model.items()) {
    const std::string text = value.is_string() ? value.get<std::string>() : dump(value);
    output.write(name + std::string(name.size() < 16 ? 16 - name.size() : 1, ' ') +
                 printable(text, kShown) + "\n");
  }
}

void write_graph(OutputStream& output, const GraphSummary& graph) {
  const auto writer = make_writer(
      OutputFormat::table, output,
      {{"#", "node", "op", "epilogue", "shape", "kernel", "weights", "bytes/row", "ops/row"},
       false,
       false,
       0});
  Rendered rendered;
  for (const NodeSummary& node : graph.nodes) {
    rendered.rows.push_back({std::to_string(node.index), node.name, node.op, node.epilogue,
                             node.shape, node.kernel, std::to_string(node.weight_bytes),
                             std::to_string(node.bytes_per_row), std::to_string(node.ops_per_row)});
  }
  writer->write(1, "", rendered);
  writer->finish();
  output.write("arena: " + std::to_string(graph.arena_bytes) + " bytes for " +
               std::to_string(graph.batch_tokens) + " tokens\n");
}

// A model without a tokenizer can be looked at too.
Model load(const ModelOptions& options) {
  const std::filesystem::path path = model_path(options.model, kInspectKind);
  LoadOptions load_options = options.load_options();
  try {
    return Model::load(path, load_options);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
    load_options.tokenizer = false;
    return Model::load(path, load_options);
  }
}

int run_inspect(InspectArguments options) {
  if (!options.positional.empty()) options.model.model = options.positional;
  const bool dot = options.format == "dot";
  if (dot && !options.graph) throw UsageError("--format dot draws the graph: add --graph");
  const Model model = load(options.model);
  InputFiles inputs;
  inputs.add_model(model.path());
  OutputStream output(options.output, inputs);
  if (options.verify) {
    verify(model.path());
    say({printable(model.path().string()),
         ": the contents have the checksum they were written with"});
  }
  if (dot) {
    output.write(to_dot(summarize(model.graph())));
  } else {
    Json json = model_json(inspect(model));
    if (options.json || options.format == "json") {
      if (options.graph) json["graph"] = graph_json(summarize(model.graph()));
      output.write(dump(json, 2) + "\n");
    } else {
      write_model(output, json);
      if (options.graph) {
        output.write("\n");
        write_graph(output, summarize(model.graph()));
      }
    }
  }
  output.close();
  return 0;
}

}  // namespace

Command add_inspect(CLI::App& root) {
  auto options = std::make_shared<InspectArguments>();
  CLI::App* app = root.add_subcommand("inspect", "What a model is, and its static graph");
  // Not "model": to CLI11 2.4 an argument and an option of one name are the same.
  app->add_option("source", options->positional, "Directory, converted file or name")
      ->type_name("MODEL");
  add_model_name(*app, options->model.model, kInspectKind);
  app->add_flag("--graph", options->graph, "List the graph: shapes, kernels, operations, bytes");
  app->add_flag("--json", options->json, "The same as --format json");
  app->add_option("--format", options->format, "dot: a picture of the graph, for graphviz")
      ->check(CLI::IsMember({"text", "json", "dot"}));
  app->add_flag("--verify", options->verify,
                "Recompute the checksum of a converted file's contents");
  app->add_option("-o,--output", options->output, "Write to a file")->type_name("FILE");
  add_engine_options(*app, options->model);
  return {app, [options] { return run_inspect(*options); }};
}

}  // namespace sapwood::cli
