// The subcommands: each adds its options to the program and says how it is run.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace sapwood::cli {

struct Command {
  CLI::App* app;
  std::function<int()> run;  // the exit status; throws UsageError, Error
};

Command add_classify(CLI::App& root);
Command add_ner(CLI::App& root);
Command add_embed(CLI::App& root);
Command add_fill_mask(CLI::App& root);
Command add_qa(CLI::App& root);
Command add_rerank(CLI::App& root);
Command add_tokenize(CLI::App& root);
Command add_convert(CLI::App& root);
Command add_inspect(CLI::App& root);
Command add_eval(CLI::App& root);
Command add_bench(CLI::App& root);
Command add_capacity(CLI::App& root);
Command add_models(CLI::App& root);
Command add_serve(CLI::App& root);  // where the build has it: SAPWOOD_SERVE

}  // namespace sapwood::cli
