// sapwood capacity: how many texts this machine answers in a second, and so how many processors a load needs.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/json_writer.h"
#include "capacity_load.h"
#include "commands.h"
#include "options.h"
#include "output.h"
#include "sapwood/inspect.h"

namespace sapwood::cli {
namespace {

constexpr ModelKind kCapacityKind{"any model", "minilm-fff-embed"};

struct CapacityArguments {
  std::vector<std::string> models;
  ModelOptions engine;
  std::vector<int> lengths = {8, 32, 128, 512};
  double seconds = 1, utilization = 0.65;
  bool json = false, quiet = false;
};

struct Capacity {
  int tokens = 0;
  LoadResult load;
  std::int64_t peak_bytes = 0;

  double processor_s_per_text() const { return load.processor_s / static_cast<double>(load.texts); }
};

struct ModelFacts {
  std::string name, dtype, isa;
  int threads = 0;
};

double cores_for_1000(const Capacity& found, double utilization) {
  return 1000 * found.processor_s_per_text() / utilization;
}

std::string json_line(const ModelFacts& model, const Capacity& found, double utilization) {
  std::string line;
  JsonWriter writer(line);
  writer.begin_object().member("model", model.name).member("dtype", model.dtype);
  writer.member("isa", model.isa).member("threads", model.threads);
  writer.member("tokens", found.tokens);
  writer.member("texts", static_cast<std::int64_t>(found.load.texts));
  writer.member("texts_per_s_core", 1 / found.processor_s_per_text());
  writer.member("utilization", utilization);
  writer.member("cores_for_1000_per_s", cores_for_1000(found, utilization));
  writer.member("processor_s_per_1000_texts", 1000 * found.processor_s_per_text());
  writer.member("peak_bytes", found.peak_bytes).end();
  return line + "\n";
}

std::string table_head(const ModelFacts& model, double utilization) {
  char percent[16];
  std::snprintf(percent, sizeof percent, "%.0f %%", 100 * utilization);
  return printable(model.name) + ": " + model.dtype + ", " + model.isa + ", threads " +
         std::to_string(model.threads) + "; cores for 1,000 texts a second at " + percent +
         " utilization\n" +
         "tokens  texts/s a core    cores  processor s for 1,000 texts  peak MB\n";
}

std::string table_line(const Capacity& found, double utilization) {
  char line[128];
  std::snprintf(line, sizeof line, "%6d  %14.1f  %7.2f  %27.3f  %7.1f\n", found.tokens,
                1 / found.processor_s_per_text(), cores_for_1000(found, utilization),
                1000 * found.processor_s_per_text(), static_cast<double>(found.peak_bytes) / 1e6);
  return line;
}

// Of this model the lengths that its texts may have, shortest first; of the others it is said that they are left out.
std::vector<int> usable_lengths(const CapacityArguments& options, const Model& model,
                                const std::string& name) {
  std::vector<int> lengths = options.lengths;
  std::sort(lengths.begin(), lengths.end());
  lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
  const auto end = std::upper_bound(lengths.begin(), lengths.end(), model.max_length());
  if (end != lengths.end() && end != lengths.begin() && !options.quiet) {
    say({"note: ", printable(name), " takes texts of at most ", std::to_string(model.max_length()),
         " tokens; longer ones are left out"});
  }
  // Where none is left, job_maker says what there may be.
  if (end != lengths.begin()) lengths.erase(end, lengths.end());
  return lengths;
}

void measure_model(const CapacityArguments& options, const std::string& name,
                   OutputStream& output) {
  reset_peak();
  const Threads team(options.engine.threads);
  LoadOptions load = options.engine.load_options();
  load.team = team;
  load.threads = 0;
  const Model model = load_model(model_path(name, kCapacityKind), load, options.quiet);
  // Nothing is refused: what waits is bounded by the load itself.
  Scheduler scheduler({.team = team, .max_wait = std::chrono::hours(1)});
  scheduler.add(model);
  const ModelInfo info = inspect(model);
  const ModelFacts facts{name, info.dtype, info.isa, team.size()};
  if (!options.json) output.write(table_head(facts, options.utilization));
  for (const int tokens : usable_lengths(options, model, name)) {
    Capacity found{.tokens = tokens};
    found.load = run_load(scheduler, job_maker(model, tokens), tokens, options.seconds);
    found.peak_bytes = peak_bytes();
    output.write(options.json ? json_line(facts, found, options.utilization)
                              : table_line(found, options.utilization));
    output.flush();
  }
}

int run_capacity(const CapacityArguments& options) {
  const std::vector<std::string> by_default = {kCapacityKind.default_name};
  const auto& models = options.models.empty() ? by_default : options.models;
  InputFiles inputs;
  for (const std::string& name : models) inputs.add_model(model_path(name, kCapacityKind));
  OutputStream output("", inputs);
  for (const std::string& name : models) {
    measure_model(options, name, output);
    if (!options.json && &name != &models.back()) output.write("\n");
  }
  output.close();
  return 0;
}

}  // namespace

Command add_capacity(CLI::App& root) {
  auto options = std::make_shared<CapacityArguments>();
  CLI::App* app = root.add_subcommand("capacity",
                                      "Texts a second that a core answers with every thread at "
                                      "work, as in a service, and the cores "
                                      "that a load needs");
  app->add_option("-m,--model", options->models,
                  "Directory, converted file or name of any model; several, one after the other "
                  "[minilm-fff-embed]")
      ->type_name("MODEL")
      ->envname("SAPWOOD_MODEL");
  app->add_option("--lengths", options->lengths,
                  "Tokens of a text, special tokens included, separated by commas")
      ->type_name("LENGTHS")
      ->delimiter(',')
      ->check(at_least(1))
      ->default_str("8,32,128,512");
  app->add_option("--seconds", options->seconds, "Time spent on each length, at least")
      ->check(CLI::Range(0.01, 600.0))
      ->capture_default_str();
  app->add_option("--utilization", options->utilization,
                  "How busy the cores shall be: above 0.7 or so, waiting grows quickly")
      ->check(CLI::Range(0.05, 1.0))
      ->capture_default_str();
  app->add_flag("--json", options->json, "One JSON object a line for each model and length");
  add_quiet(*app, options->quiet);
  add_engine_options(*app, options->engine);
  return {app, [options] { return run_capacity(*options); }};
}

}  // namespace sapwood::cli
