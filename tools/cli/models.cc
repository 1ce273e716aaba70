// sapwood models: what -m finds by name.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "commands.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "base/quote.h"
#include "sapwood/inspect.h"

namespace sapwood::cli {
namespace {

struct ModelsArguments {
  bool json = false;
};

std::string feed_forward(const ModelConfig& config) {
  const FeedForwardConfig& ff = config.feed_forward;
  if (ff.kind != FeedForwardKind::fff) return "dense " + std::to_string(ff.width);
  std::string text = std::to_string(ff.trees) + " trees of depth " + std::to_string(ff.depth);
  if (ff.dense_width > 0) text += " + " + std::to_string(ff.dense_width);
  return text;
}

int run_models(const ModelsArguments& options) {
  const std::vector<std::filesystem::path> models = list_models();
  InputFiles inputs;
  for (const std::filesystem::path& path : models) inputs.add_model(path);
  OutputStream output("", inputs);
  int status = 0;
  for (const std::filesystem::path& path : models) {
    const std::string name = path.stem().string();
    try {
      const Model model = Model::load(find_model(path.string()), {.tokenizer = false});
      const ModelInfo info = inspect(model);
      const nlohmann::ordered_json json{{"name", name},
                                        {"task", to_string(info.config.head)},
                                        {"architecture", to_string(info.config.architecture)},
                                        {"layers", info.config.layers},
                                        {"feed_forward", feed_forward(info.config)},
                                        {"dtype", info.dtype},
                                        {"weight_bytes", info.weight_bytes},
                                        {"path", path.string()}};
      if (options.json) {
        output.write(json.dump() + "\n");
        continue;
      }
      char line[256];
      std::snprintf(line, sizeof line, "%-24s %-24s %-12s %d layers, %-24s %s %5.1f MB\n",
                    printable(name).c_str(), json["task"].get<std::string>().c_str(),
                    json["architecture"].get<std::string>().c_str(), info.config.layers,
                    json["feed_forward"].get<std::string>().c_str(), info.dtype.c_str(),
                    static_cast<double>(info.weight_bytes) / 1e6);
      output.write(line);
    } catch (const Error& error) {
      say({printable(name), ": ", error.what()});
      status = 1;
    }
  }
  output.close();
  return status;
}

}  // namespace

Command add_models(CLI::App& root) {
  auto options = std::make_shared<ModelsArguments>();
  CLI::App* app = root.add_subcommand("models", "List the models that -m finds by name");
  app->add_flag("--json", options->json, "One JSON object a line");
  return {app, [options] { return run_models(*options); }};
}

}  // namespace sapwood::cli
