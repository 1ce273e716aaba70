// sapwood inspect: what a model is, and its static graph.
#include "sapwood/inspect.h"

#include <memory>

#include "base/json.h"
#include "commands.h"
#include "options.h"

namespace sapwood::cli {
namespace {

constexpr ModelKind kInspectKind{"a model", ""};

struct InspectArguments {
  ModelOptions model;
  std::string positional, output;
  std::string format;
  bool graph = false, json = false, verify = false, check = false, quiet = false;
};

void write_feed_forward(JsonWriter& writer, const FeedForwardConfig& config) {
  writer.begin_object().member("type", to_string(config.kind));
  if (config.kind == FeedForwardKind::fff) {
    writer.member("trees", config.trees).member("depth", config.depth);
    if (config.dense_width > 0) writer.member("dense_width", config.dense_width);
  } else {
    writer.member("width", config.width).member("activation", to_string(config.activation));
  }
  writer.end();
}

void write_sentence(JsonWriter& writer, const SentenceConfig& sentence) {
  std::string poolings;
  for (const PoolingMode each : sentence.poolings) {
    poolings.append(poolings.empty() ? "" : "+").append(to_string(each));
  }
  if (sentence.sparse) {
    writer.member("sparse",
                  std::string(sentence.sparse->sum ? "sum" : "max") +
                      (sentence.sparse->log_twice ? ", log1p_relu" : ", relu") +
                      (sentence.sparse->query_path.empty() ? "" : ", queries by weights"));
  }
  writer.member("pooling", poolings);
  for (const VectorModule& module : sentence.modules) {
    if (module.kind != VectorModuleKind::dense) continue;
    writer.member(module.path, std::to_string(module.in) + " to " + std::to_string(module.out) +
                                   ", " + std::string(to_string(module.activation)));
  }
  writer.member("normalize", sentence.normalize);
  if (sentence.truncate_dim) writer.member("truncate_dim", *sentence.truncate_dim);
  if (!sentence.prompts.empty()) {
    writer.key("prompts").begin_object();
    for (const auto& [name, text] : sentence.prompts) writer.member(name, text);
    writer.end().member("default_prompt_name", sentence.default_prompt_name);
  }
  writer.member("similarity", to_string(sentence.similarity));
  if (!sentence.unsupported.empty()) writer.member("unsupported", sentence.unsupported);
}

// The members of the model's object.
void write_members(JsonWriter& writer, const ModelInfo& info) {
  const ModelConfig& config = info.config;
  writer.member("path", info.path.string()).member("format", info.format);
  writer.member("dtype", info.dtype).member("architecture", config.architecture);
  writer.member("head", to_string(config.head));
  if (config.head == HeadKind::sequence_classification) {
    writer.member("problem", to_string(config.problem));
  }
  if (!config.labels.empty()) writer.member("labels", config.labels);
  writer.member("layers", config.layers).member("hidden", config.hidden);
  writer.member("heads", config.heads).member("vocabulary", config.vocab_size);
  writer.member("positions", config.max_positions).key("feed_forward");
  write_feed_forward(writer, config.feed_forward);
  if (config.sentence) {
    write_sentence(writer, *config.sentence);
  }
  writer.member("max_length", info.max_length).member("parameters", info.parameters);
  writer.member("weight_bytes", info.weight_bytes).member("isa", info.isa);
  writer.member("processor", info.processor).member("processor_line", info.processor_line);
  writer.key("kernels").begin_object();
  for (const auto& [operation, set] : info.kernels) writer.member(operation, set);
  writer.end();
  writer.member("unused_tensors", info.unused_tensors);
  if (!info.source_sha256.empty()) writer.member("source_sha256", info.source_sha256);
}

void write_graph(JsonWriter& writer, const GraphSummary& graph) {
  writer.begin_object().member("arena_bytes", graph.arena_bytes);
  writer.member("batch_tokens", graph.batch_tokens).key("nodes").begin_array();
  for (const NodeSummary& node : graph.nodes) {
    writer.begin_object().member("index", node.index).member("name", node.name);
    writer.member("op", node.op).member("epilogue", node.epilogue).member("inputs", node.inputs);
    writer.member("output", node.output).member("shape", node.shape).member("dtype", node.dtype);
    writer.member("kernel", node.kernel).member("weight_bytes", node.weight_bytes);
    writer.member("bytes_per_row", node.bytes_per_row).member("ops_per_row", node.ops_per_row);
    writer.member("buffer_offset", node.buffer_offset).end();
  }
  writer.end().end();
}

std::string model_json(const Model& model, bool graph, int indent) {
  std::string json;
  JsonWriter writer(json, indent);
  writer.begin_object();
  write_members(writer, inspect(model));
  if (graph) {
    writer.key("graph");
    write_graph(writer, summarize(model));
  }
  writer.end();
  return json;
}

std::string check_json(const LoadCheck& check, int indent) {
  std::string json;
  JsonWriter writer(json, indent);
  writer.begin_object().member("path", check.path.string()).member("loads", check.loads());
  if (!check.loads()) writer.member("because", check.problems);
  const auto known = [&](const char* name, const std::string& text) {
    text.empty() ? writer.key(name).null() : writer.member(name, text);
  };
  known("architecture", check.architecture);
  known("head", check.head);
  known("tokenizer", check.tokenizer);
  if (!check.notices.empty()) writer.member("notices", check.notices);
  writer.end();
  return json;
}

// The members of the JSON, one a line.
void write_members(OutputStream& output, std::string members) {
  constexpr std::size_t kShown = 2000;  // of lists, the rest of which --json has
  const auto json = JsonDocument::parse(std::move(members), "inspect");
  for (const JsonValue member : json.root().members()) {
    const std::string name(member.key());
    const std::string text = member.is_string() ? std::string(member.string()) : member.to_json();
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
Model load(const InspectArguments& options, const std::filesystem::path& path) {
  LoadOptions load_options = options.model.load_options();
  try {
    return load_model(path, load_options, options.quiet);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
    load_options.tokenizer = false;
    return load_model(path, load_options, options.quiet);
  }
}

// Whether the model loads, and else why not.
void write_check(const InspectArguments& options, const LoadCheck& check) {
  InputFiles inputs;
  inputs.add_model(check.path);
  OutputStream output(options.output, inputs);
  if (options.json || options.format == "json") {
    output.write(check_json(check, 2) + "\n");
  } else {
    write_members(output, check_json(check, 0));
  }
  output.close();
}

// What is said of a model that could not be loaded, beside the error. That of an option is no fault of the model's.
void write_refusal(const InspectArguments& options, const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return;
  const LoadCheck check = check_load(path);
  if (!check.loads()) write_check(options, check);
}

int run_inspect(InspectArguments options) {
  if (!options.positional.empty()) options.model.model = options.positional;
  const bool dot = options.format == "dot";
  if (dot && !options.graph) throw UsageError("--format dot draws the graph: add --graph");
  const std::filesystem::path path = model_path(options.model.model, kInspectKind);
  if (options.check) {
    const LoadCheck check = check_load(path);
    write_check(options, check);
    return check.loads() ? 0 : 1;
  }
  std::optional<Model> loaded;
  try {
    loaded = load(options, path);
  } catch (const Error&) {
    if (!dot) write_refusal(options, path);
    throw;
  }
  const Model& model = *loaded;
  InputFiles inputs;
  inputs.add_model(model.path());
  OutputStream output(options.output, inputs);
  if (options.verify) {
    verify(model.path());
    say({printable(model.path().string()),
         ": the contents have the checksum they were written with"});
  }
  if (dot) {
    output.write(to_dot(summarize(model)));
  } else if (options.json || options.format == "json") {
    output.write(model_json(model, options.graph, 2) + "\n");
  } else {
    write_members(output, model_json(model, false, 0));
    if (options.graph) {
      output.write("\n");
      write_graph(output, summarize(model));
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
  app->add_option("source", options->positional,
                  "Directory, converted file or name, as -m takes it")
      ->type_name("MODEL");
  add_model_name(*app, options->model.model, kInspectKind);
  app->add_flag("--graph", options->graph, "List the graph: shapes, kernels, operations, bytes");
  app->add_flag("--json", options->json, "The same as --format json");
  app->add_option("--format", options->format, "dot: a picture of the graph, for graphviz")
      ->check(CLI::IsMember({"text", "json", "dot"}));
  app->add_flag("--check", options->check,
                "Only whether it loads, and else why not, without reading its weights")
      ->excludes(app->get_option("--graph"));
  app->add_flag("--verify", options->verify,
                "Recompute the checksum of a converted file's contents");
  app->add_option("-o,--output", options->output, "Write to a file")->type_name("FILE");
  add_quiet(*app, options->quiet);
  add_engine_options(*app, options->model);
  return {app, [options] { return run_inspect(*options); }};
}

}  // namespace sapwood::cli
