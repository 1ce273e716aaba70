// sapwood models: what -m finds by name.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "base/json_writer.h"
#include "base/quote.h"
#include "commands.h"
#include "options.h"
#include "output.h"
#include "sapwood/inspect.h"

namespace sapwood::cli {
namespace {

struct ModelsArguments {
  bool json = false, quiet = false;
};

std::string feed_forward(const ModelConfig& config) {
  const FeedForwardConfig& ff = config.feed_forward;
  if (ff.kind != FeedForwardKind::fff) return "dense " + std::to_string(ff.width);
  std::string text = std::to_string(ff.trees) + " trees of depth " + std::to_string(ff.depth);
  if (ff.dense_width > 0) text += " + " + std::to_string(ff.dense_width);
  return text;
}

std::string json_line(const std::string& name, const std::filesystem::path& path,
                      const ModelInfo& info) {
  std::string line;
  JsonWriter writer(line);
  writer.begin_object().member("name", name).member("task", to_string(info.config.head));
  writer.member("architecture", info.config.architecture);
  writer.member("layers", info.config.layers);
  writer.member("feed_forward", feed_forward(info.config)).member("dtype", info.dtype);
  writer.member("weight_bytes", info.weight_bytes).member("path", path.string()).end();
  return line + "\n";
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

std::string text_line(const std::string& name, const ModelInfo& info) {
  char megabytes[32];
  std::snprintf(megabytes, sizeof megabytes, " %5.1f MB\n",
                static_cast<double>(info.weight_bytes) / 1e6);
  return padded(printable(name), 24) + ' ' + padded(std::string(to_string(info.config.head)), 24) +
         ' ' + padded(info.config.architecture, 12) + ' ' + std::to_string(info.config.layers) +
         " layers, " + padded(feed_forward(info.config), 24) + ' ' + info.dtype + megabytes;
}

// A model's folder in the cache of the Hugging Face libraries.
bool is_cached(const std::filesystem::path& path) {
  return path.filename().string().starts_with("models--");
}

// What is loaded for a listed model, or its path where that cannot be told.
std::filesystem::path source_of(const std::filesystem::path& path) {
  try {
    return find_model(path.string());
  } catch (const Error& error) {
    if (error.code() == ErrorCode::out_of_memory) throw;
    return path;
  }
}

int run_models(const ModelsArguments& options) {
  const std::vector<std::filesystem::path> models = list_models();
  InputFiles inputs;
  for (const std::filesystem::path& path : models) {
    inputs.add_model(is_cached(path) ? source_of(path) : path);
  }
  OutputStream output("", inputs);
  int status = 0, unlisted = 0;
  for (const std::filesystem::path& path : models) {
    const std::string name = model_name(path);
    try {
      const Model model =
          load_model(find_model(path.string()), {.tokenizer = false}, options.quiet);
      const ModelInfo info = inspect(model);
      output.write(options.json ? json_line(name, path, info) : text_line(name, info));
    } catch (const Error& error) {
      if (error.code() == ErrorCode::out_of_memory) throw;
      // Other programs keep models there, of many kinds that are not ours to complain about.
      if (is_cached(path)) {
        ++unlisted;
        continue;
      }
      say({printable(name), ": ", error.what()});
      status = 1;
    }
  }
  output.close();
  if (unlisted > 0 && !options.quiet) {
    say("note: " + std::to_string(unlisted) +
        (unlisted == 1 ? " model of the Hugging Face cache is not listed, because it"
                       : " models of the Hugging Face cache are not listed, because they") +
        " cannot be loaded; sapwood inspect -m ORG/NAME says why");
  }
  return status;
}

}  // namespace

Command add_models(CLI::App& root) {
  auto options = std::make_shared<ModelsArguments>();
  CLI::App* app = root.add_subcommand("models", "List the models that -m finds by name");
  app->add_flag("--json", options->json, "One JSON object a line");
  add_quiet(*app, options->quiet);
  return {app, [options] { return run_models(*options); }};
}

}  // namespace sapwood::cli
