// sapwood convert: from a Hugging Face directory to one packed file.
#include "sapwood/convert.h"

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "base/quote.h"
#include "commands.h"
#include "options.h"

namespace sapwood::cli {
namespace {

struct ConvertArguments {
  std::string source, target;
  ConvertOptions convert;
  bool quiet = false;
};

int run_convert(const ConvertArguments& options) {
  const std::filesystem::path source = find_model(options.source);
  InputFiles inputs;
  inputs.add_model(source);
  inputs.require_other(options.target);
  const ConvertReport report = convert(source, options.target, options.convert);
  const std::string dtype(to_string(options.convert.dtype));
  say_notices(report.notices, options.quiet);
  for (const std::string& name : report.not_finite) {
    say({"warning: tensor '", printable(name),
         "' holds a NaN or an infinity; results will not be finite"});
  }
  for (const ConvertReport::Product& product : report.products) {
    if (product.dtype == dtype) continue;
    if (std::isnan(product.error)) {
      say(product.name + ": int8 has no NaN and no infinity; kept in " + product.dtype);
      continue;
    }
    char percent[32];
    std::snprintf(percent, sizeof percent, "%.1f %%", 100 * product.error);
    say(printable(product.name) + ": int8 would be off by " + percent + "; kept in " +
        product.dtype);
  }
  if (!options.quiet) {
    const auto bytes = std::filesystem::file_size(options.target);
    say("wrote " + printable(options.target) + " (" + dtype + ", " +
        std::to_string((bytes + 500'000) / 1'000'000) + " MB) from " + printable(source.string()));
  }
  return 0;
}

}  // namespace

Command add_convert(CLI::App& root) {
  auto options = std::make_shared<ConvertArguments>();
  CLI::App* app =
      root.add_subcommand("convert", "Write a model directory as one file that is mapped at load");
  app->add_option("source", options->source, "Model directory, or its name")
      ->required()
      ->type_name("SRC");
  app->add_option("-o,--output", options->target, "The file to write; appears whole or not at all")
      ->required()
      ->type_name("FILE");
  const auto types = choices_of<WeightType>({WeightType::automatic});
  add_choice(*app, "--dtype", options->convert.dtype, types, "Type of the packed weights")
      ->default_str(std::string(to_string(options->convert.dtype)));
  add_choice(*app, "--decisions", options->convert.decisions, types,
             "Type of the rows that fast feedforward decides by, if finer than --dtype");
  add_quiet(*app, options->quiet);
  return {app, [options] { return run_convert(*options); }};
}

}  // namespace sapwood::cli
