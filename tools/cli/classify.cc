// sapwood classify: labels and scores of texts or pairs.
#include <memory>

#include "commands.h"
#include "json.h"
#include "options.h"
#include "sapwood/tasks.h"

namespace sapwood::cli {
namespace {

constexpr ModelKind kClassifyKind{"a model with a sequence classification head", "minilm-fff-sst2"};

struct ClassifyArguments : TextTaskOptions {
  int top_k = 1;
  std::optional<ScoreFunction> function;
  std::optional<std::string> pair;
};

Rendered render(const Classification& result, bool list, OutputFormat format) {
  Rendered rendered;
  rendered.truncated = result.truncated;
  if (format == OutputFormat::table || format == OutputFormat::csv) {
    const bool table = format == OutputFormat::table;
    for (const LabelScore& best : result.labels) {
      rendered.rows.push_back({best.label, table ? score_text(best.score) : number(best.score)});
    }
    return rendered;
  }
  const bool only = !list && result.labels.size() == 1;
  JsonWriter writer(rendered.json);
  if (!only) writer.begin_array();
  for (const LabelScore& best : result.labels) {
    writer.begin_object().member("label", best.label).member("score", best.score);
    if (only && result.truncated) writer.member("truncated", true);
    writer.end();
  }
  if (!only) writer.end();
  return rendered;
}

int run_classify(const ClassifyArguments& options) {
  const Model model = load_model(options.model, kClassifyKind, options.io.quiet);
  const LengthOptions length = options.length.options();
  const ClassifyOptions classify_options{options.top_k, options.function, length};
  Task task(options.io, model.path());
  task.schema.second = "text_pair";
  task.schema.fixed_second = options.pair;
  task.columns = {"label", "score"};
  task.show_text = true;
  task.truncation_notice = truncation_notice(length.max_length.value_or(model.max_length()));
  task.compute = [&](std::span<const Record> records, OutputFormat format) {
    return convert_results(classify(model, text_inputs(records), classify_options),
                           [&](const Classification& result, std::size_t) {
                             return render(result, options.top_k != 1, format);
                           });
  };
  return run_task(std::move(task));
}

}  // namespace

Command add_classify(CLI::App& root) {
  auto options = std::make_shared<ClassifyArguments>();
  CLI::App* app = root.add_subcommand("classify", "Labels and scores of texts or pairs");
  add_texts(*app, options->io, "Texts to classify");
  add_model_name(*app, options->model.model, kClassifyKind);
  app->add_option("--text-pair", options->pair, "Second text of every pair")->type_name("TEXT");
  app->add_option("--top-k", options->top_k, "Labels shown, best first; 0: all")
      ->type_name("K")
      ->check(at_least(0))
      ->capture_default_str();
  add_choice(*app, "--function-to-apply", options->function, choices_of<ScoreFunction>(),
             "From logits to scores; none: raw logits [by the model's problem type]");
  add_text_task_options(*app, *options);
  return {app, [options] { return run_classify(*options); }};
}

}  // namespace sapwood::cli
