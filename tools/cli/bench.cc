// sapwood bench: time from ids to last hidden state, or of a layer.

#include <algorithm>
#include <charconv>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/json_writer.h"
#include "base/quote.h"
#include "bench_runner.h"
#include "calibrate.h"
#include "commands.h"
#include "options.h"
#include "record_reader.h"
#include "sapwood/inspect.h"

namespace sapwood::cli {
namespace {

constexpr ModelKind kBenchKind{"any model", ""};

struct BenchArguments {
  ModelOptions model;
  std::string shapes = "1x8,1x128";
  std::string lengths;  // a file: "" for shapes
  int batch = 32;
  std::string layer;  // "ffn", or "" for the whole model
  double seconds = 1.0;
  int runs = 11;
  bool json = false, quiet = false, calibrate = false;
};

// A shape that is named twice is timed once.
std::vector<Work> parse_shapes(const std::string& list) {
  std::vector<Work> shapes;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    const std::string name = list.substr(begin, end - begin);
    int texts = 0, length = 0;
    const char* const last = name.data() + name.size();
    const auto batch = std::from_chars(name.data(), last, texts);
    const bool times = batch.ec == std::errc() && batch.ptr != last && *batch.ptr == 'x';
    const auto tokens = times ? std::from_chars(batch.ptr + 1, last, length) : batch;
    const bool sane = texts > 0 && texts <= 100'000 && length > 0;
    if (!times || tokens.ec != std::errc() || tokens.ptr != last || !sane) {
      throw UsageError("--shapes wants BATCHxTOKENS, e.g. 1x8,1x128; found \"" + printable(name) +
                       "\"");
    }
    const auto same = [&](const Work& other) { return other.name == name; };
    if (std::none_of(shapes.begin(), shapes.end(), same)) {
      shapes.push_back({name, {std::vector<int>(static_cast<std::size_t>(texts), length)}});
    }
    begin = end + 1;
  }
  return shapes;
}

// One count of tokens a line, cut into batches in the file's order.
Work read_lengths(const std::string& path, int batch) {
  RecordReader reader(path, Framing::lines);
  Work work{"lengths", {}};
  RawRecord record;
  while (reader.next(record, Wait::yes) == RecordReader::Status::record) {
    const std::string& line = record.bytes;
    int length = 0;
    const char* const last = line.data() + line.size();
    const auto [end, error] = std::from_chars(line.data(), last, length);
    if (error != std::errc() || end != last || length <= 0) {
      throw Error(ErrorCode::malformed, printable(path) + " line " + std::to_string(record.line) +
                                            ": expected a count of tokens, found \"" +
                                            printable(line) + "\"");
    }
    if (work.batches.empty() || static_cast<int>(work.batches.back().size()) == batch) {
      work.batches.emplace_back();
    }
    work.batches.back().push_back(length);
  }
  if (work.batches.empty()) {
    throw Error(ErrorCode::malformed, printable(path) + " holds no counts of tokens");
  }
  return work;
}

// What the products compute in; a checkpoint's own type may be another.
std::string compute_dtype(const Model& model) {
  const GraphSummary graph = summarize(model);
  for (const NodeSummary& node : graph.nodes) {
    if (node.op == "linear") return node.dtype;
  }
  return graph.nodes.empty() ? "" : graph.nodes.front().dtype;
}

struct Measurement {
  std::string isa, dtype;
  int threads = 0;
  std::vector<Times> times;           // of each work
  std::size_t texts = 0, tokens = 0;  // of one run, with --lengths
  double texts_per_s = 0;
};

Measurement measure(const Model& model, const std::vector<Work>& works,
                    const BenchArguments& options) {
  Measurement found{.isa = inspect(model).isa, .dtype = compute_dtype(model)};
  found.threads = options.model.threads > 0
                      ? options.model.threads
                      : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  for (const Work& work : works) {
    found.times.push_back(
        Runner(model, work, !options.layer.empty()).medians(options.seconds, options.runs));
  }
  if (!options.lengths.empty()) {
    for (const auto& batch : works.front().batches) {
      found.texts += batch.size();
      found.tokens += tokens_of(batch);
    }
    found.texts_per_s = 1000.0 * static_cast<double>(found.texts) / found.times.front().wall_ms;
  }
  return found;
}

std::string json_of(const Measurement& found, const std::vector<Work>& works,
                    const BenchArguments& options) {
  std::string json;
  JsonWriter writer(json);
  const auto write_times = [&](const char* name, double Times::*time) {
    writer.key(name).begin_object();
    for (std::size_t i = 0; i < works.size(); ++i) {
      writer.member(works[i].name, found.times[i].*time);
    }
    writer.end();
  };
  writer.begin_object().member("isa", found.isa).member("dtype", found.dtype);
  writer.member("threads", found.threads);
  write_times("median_ms", &Times::wall_ms);
  write_times("processor_ms", &Times::processor_ms);
  if (!options.layer.empty()) writer.member("layer", options.layer);
  if (!options.lengths.empty()) {
    writer.member("texts", static_cast<std::int64_t>(found.texts));
    writer.member("tokens", static_cast<std::int64_t>(found.tokens));
    writer.member("texts_per_s", found.texts_per_s);
  }
  writer.end();
  return json + "\n";
}

std::string table_of(const Measurement& found, const std::vector<Work>& works) {
  std::string text = "isa " + found.isa + ", dtype " + found.dtype + ", threads " +
                     std::to_string(found.threads) + "\n";
  char line[96];
  for (std::size_t i = 0; i < works.size(); ++i) {
    std::snprintf(line, sizeof line, "%-12s %10.3f ms\n", works[i].name.c_str(),
                  found.times[i].wall_ms);
    text += line;
  }
  if (found.texts > 0) {
    std::snprintf(line, sizeof line, "%-12s %10.1f\n", "texts/s", found.texts_per_s);
    text += line;
  }
  return text;
}

int run_calibration(const BenchArguments& options) {
  OutputStream output("", {});
  const std::vector<OperationTimes> found = time_operations(options.runs);
  output.write(options.json ? calibration_json(found) : calibration_text(found));
  output.close();
  return 0;
}

int run_bench(const BenchArguments& options) {
  if (options.calibrate) return run_calibration(options);
  const bool asked = options.shapes == "-" && options.lengths.empty();
  std::vector<Work> works;
  if (!options.lengths.empty()) {
    works = {read_lengths(options.lengths, options.batch)};
  } else if (!asked) {
    works = parse_shapes(options.shapes);
  }
  LoadOptions load = options.model.load_options();
  load.tokenizer = false;
  for (const Work& work : works) {
    for (const auto& batch : work.batches) {
      // A model takes what does not fit in turns; a layer takes all at once.
      const int least = options.layer.empty() ? *std::max_element(batch.begin(), batch.end())
                                              : static_cast<int>(tokens_of(batch));
      load.batch_tokens = std::max(load.batch_tokens, least);
    }
  }
  const Model model = load_model(model_path(options.model.model, kBenchKind), load, options.quiet);
  InputFiles inputs;
  inputs.add_model(model.path());
  if (asked) inputs.add("-");
  if (!options.lengths.empty()) inputs.add(options.lengths);
  OutputStream output("", inputs);
  const auto answer = [&](const std::vector<Work>& these) {
    const Measurement found = measure(model, these, options);
    output.write(options.json ? json_of(found, these, options) : table_of(found, these));
    output.flush();
  };
  if (asked) {
    RecordReader reader("-", Framing::lines);
    RawRecord record;
    while (reader.next(record, Wait::yes) == RecordReader::Status::record) {
      answer(parse_shapes(record.bytes));
    }
  } else {
    answer(works);
  }
  output.close();
  return 0;
}

}  // namespace

Command add_bench(CLI::App& root) {
  auto options = std::make_shared<BenchArguments>();
  CLI::App* app = root.add_subcommand(
      "bench", "Median time from random ids to the last hidden state, after warming up");
  add_model_name(*app, options->model.model, kBenchKind);
  CLI::Option* shapes =
      app->add_option("--shapes", options->shapes,
                      "Texts x tokens, separated by commas; -: a list a line from standard input, "
                      "each answered at once")
          ->type_name("SHAPES")
          ->capture_default_str();
  app->add_option("--lengths", options->lengths,
                  "Instead of shapes: a file with one count of tokens a line; a run is all of them")
      ->type_name("FILE")
      ->excludes(shapes);
  app->add_option("--batch", options->batch, "Texts a call, with --lengths")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app->add_option("--layer", options->layer,
                  "Instead of the whole model: ffn, the first layer's feedforward alone, over "
                  "random activations")
      ->check(CLI::IsMember({"ffn"}));
  app->add_option("--seconds", options->seconds, "Time spent on each shape, at least")
      ->check(CLI::Range(0.01, 600.0))
      ->capture_default_str();
  app->add_option("--runs", options->runs, "Runs of each shape, at least; rounds of --calibrate")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app->add_flag("--calibrate", options->calibrate,
                "Instead of a model: every kernel that this processor can run, on one thread, and "
                "which line of the "
                "table of processors has the fastest ones")
      ->excludes(shapes)
      ->excludes(app->get_option("--lengths"))
      ->excludes(app->get_option("--layer"));
  app->add_flag(
      "--json", options->json,
      "{\"isa\", \"dtype\", \"threads\", \"median_ms\": {shape: ms}, \"processor_ms\": {...}}");
  add_quiet(*app, options->quiet);
  add_engine_options(*app, options->model, 1);
  return {app, [options] { return run_bench(*options); }};
}

}  // namespace sapwood::cli
