// sapwood bench: time from ids to last hidden state.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>
#include <random>
#include <thread>

#include "commands.h"
#include "json.h"
#include "options.h"
#include "sapwood/inspect.h"

namespace sapwood::cli {
namespace {

constexpr ModelKind kKind{"any model", ""};

struct Options {
  ModelOptions model;
  std::string shapes = "1x8,1x128";
  double seconds = 1.0;
  bool json = false;
};

struct Shape {
  std::string name;
  int batch, tokens;
};

std::vector<Shape> parse_shapes(const std::string& list) {
  std::vector<Shape> shapes;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    Shape shape{list.substr(begin, end - begin), 0, 0};
    const char* const last = shape.name.data() + shape.name.size();
    const auto batch = std::from_chars(shape.name.data(), last, shape.batch);
    const bool times = batch.ec == std::errc() && batch.ptr != last && *batch.ptr == 'x';
    const auto tokens = times ? std::from_chars(batch.ptr + 1, last, shape.tokens) : batch;
    const bool sane = shape.batch > 0 && shape.batch <= 100'000 && shape.tokens > 0;
    if (!times || tokens.ec != std::errc() || tokens.ptr != last || !sane) {
      throw UsageError("--shapes wants BATCHxTOKENS, e.g. 1x8,1x128; found \"" + shape.name + "\"");
    }
    shapes.push_back(std::move(shape));
    begin = end + 1;
  }
  return shapes;
}

// Inputs differ from call to call: with fast feedforward they choose the path through the weights,
// and one path walked again and again would be timed from cache.
constexpr int kInputs = 32;
constexpr int kMinRepetitions = 11;

double median_ms(const Model& model, const Shape& shape, double seconds) {
  using Clock = std::chrono::steady_clock;
  std::mt19937 random(7);
  std::uniform_int_distribution<std::int32_t> any(0, model.config().vocab_size - 1);
  const auto batch = static_cast<std::size_t>(shape.batch);
  const auto tokens = static_cast<std::size_t>(shape.tokens);
  std::vector<std::int32_t> ids(kInputs * batch * tokens);
  std::generate(ids.begin(), ids.end(), [&] { return any(random); });
  std::vector<Sequence> sequences(batch);

  float checksum = 0;  // the results are read, so that nothing can be left out
  const auto run_once = [&](int input) {
    for (std::size_t i = 0; i < batch; ++i) {
      const std::size_t at = (static_cast<std::size_t>(input % kInputs) * batch + i) * tokens;
      sequences[i].ids = {ids.data() + at, tokens};
    }
    const auto start = Clock::now();
    model.run(sequences, Output::hidden,
              [&](std::size_t, const MatrixView& rows) { checksum += rows.row(rows.rows - 1)[0]; });
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  };

  const auto begin = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  int input = 0;
  do {
    run_once(input++);
  } while (elapsed() < seconds / 4);
  std::vector<double> times;
  while (times.size() < kMinRepetitions || elapsed() < seconds) times.push_back(run_once(input++));
  if (!std::isfinite(checksum)) {
    say("warning: the model's results are not finite; the time may not be that of real work");
  }
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

// What the products compute in; a checkpoint's own type may be another.
std::string compute_dtype(const Model& model) {
  const GraphSummary graph = summarize(model.graph());
  for (const NodeSummary& node : graph.nodes) {
    if (node.op == "linear") return node.dtype;
  }
  return graph.nodes.empty() ? "" : graph.nodes.front().dtype;
}

int run(const Options& options) {
  const std::vector<Shape> shapes = parse_shapes(options.shapes);
  LoadOptions load = options.model.load_options();
  load.tokenizer = false;
  for (const Shape& shape : shapes) load.batch_tokens = std::max(load.batch_tokens, shape.tokens);
  const Model model = Model::load(model_path(options.model.model, kKind), load);
  const std::string isa = inspect(model).isa, dtype = compute_dtype(model);
  const int threads = options.model.threads > 0
                          ? options.model.threads
                          : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  nlohmann::ordered_json medians;
  for (const Shape& shape : shapes) medians[shape.name] = median_ms(model, shape, options.seconds);
  OutputStream output;
  if (options.json) {
    const nlohmann::ordered_json json{
        {"isa", isa}, {"dtype", dtype}, {"threads", threads}, {"median_ms", medians}};
    output.write(json.dump() + "\n");
  } else {
    output.write("isa " + isa + ", dtype " + dtype + ", threads " + std::to_string(threads) + "\n");
    for (const auto& [shape, median] : medians.items()) {
      char line[96];
      std::snprintf(line, sizeof line, "%-12s %10.3f ms\n", shape.c_str(), median.get<double>());
      output.write(line);
    }
  }
  output.close();
  return 0;
}

}  // namespace

Command add_bench(CLI::App& root) {
  auto options = std::make_shared<Options>();
  CLI::App* app = root.add_subcommand(
      "bench", "Median time from random ids to the last hidden state, after warming up");
  add_model_name(*app, options->model.model, kKind);
  app->add_option("--shapes", options->shapes, "Texts x tokens, separated by commas")
      ->capture_default_str();
  app->add_option("--seconds", options->seconds, "Time spent on each shape, at least 11 runs")
      ->check(CLI::Range(0.01, 600.0))
      ->capture_default_str();
  app->add_flag("--json", options->json,
                "{\"isa\", \"dtype\", \"threads\", \"median_ms\": {shape: ms}}");
  add_engine_options(*app, options->model, 1);
  return {app, [options] { return run(*options); }};
}

}  // namespace sapwood::cli
