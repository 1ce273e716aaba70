// sapwood classify: labels and scores of texts or pairs; with --labels, of labels that the user names.
#include <algorithm>
#include <memory>

#include "commands.h"
#include "json.h"
#include "options.h"
#include "sapwood/tasks.h"

namespace sapwood::cli {
namespace {

constexpr ModelKind kClassifyKind{"a model with a sequence classification head", "minilm-fff-sst2"};
// The default model was not trained to compare a text with a hypothesis.
constexpr ModelKind kZeroShotKind{"a model trained on natural language inference", ""};

struct ClassifyArguments : TextTaskOptions {
  int top_k = 1;
  std::optional<ScoreFunction> function;
  std::optional<std::string> pair;
  std::optional<std::string> labels;
  std::string hypothesis_template = ZeroShotOptions{}.hypothesis_template;
  bool multi_label = false;
};

// As ZeroShotClassificationPipeline reads labels in one string: between commas, without the spaces around them.
std::vector<std::string> candidate_labels(std::string_view list) {
  std::vector<std::string> labels;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    std::string_view label = list.substr(begin, end - begin);
    const auto first = label.find_first_not_of(" \t"), last = label.find_last_not_of(" \t");
    if (first != label.npos) labels.emplace_back(label.substr(first, last - first + 1));
    begin = end + 1;
  }
  if (labels.empty()) throw UsageError("--labels names no label; give them as --labels A,B,C");
  return labels;
}

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

int run_zero_shot(const ClassifyArguments& options) {
  std::vector<std::string> labels = candidate_labels(*options.labels);
  const Model model = load_model(options.model, kZeroShotKind, options.io.quiet);
  ZeroShotOptions zero_shot_options{.labels = std::move(labels),
                                    .hypothesis_template = options.hypothesis_template,
                                    .multi_label = options.multi_label,
                                    .top_k = options.top_k,
                                    .length = options.length.options()};
  if (!options.length.truncation) zero_shot_options.length.truncation = Truncation::only_first;
  Task task(options.io, model.path());
  task.columns = {"label", "score"};
  task.show_text = true;
  task.truncation_notice =
      truncation_notice(zero_shot_options.length.max_length.value_or(model.max_length()));
  task.compute = [&](std::span<const Record> records, OutputFormat format) {
    return convert_results(zero_shot(model, single_texts(records), zero_shot_options),
                           [&](const Classification& result, std::size_t) {
                             return render(result, options.top_k != 1, format);
                           });
  };
  return run_task(std::move(task));
}

int run_classify(const ClassifyArguments& options) {
  if (options.labels) return run_zero_shot(options);
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

void add_zero_shot_options(CLI::App& app, ClassifyArguments& options) {
  CLI::Option* labels =
      app.add_option("--labels", options.labels,
                     "Labels to choose from, with commas between them, for a model trained on "
                     "natural language inference (zero-shot classification)")
          ->type_name("LABELS");
  app.add_option("--hypothesis-template", options.hypothesis_template,
                 "What the model is asked of each label; {} is the label")
      ->type_name("TEXT")
      ->needs(labels)
      ->capture_default_str();
  app.add_flag("--multi-label", options.multi_label,
               "Score each label by itself; else the scores of all add up to 1")
      ->needs(labels);
  for (const char* other : {"--text-pair", "--function-to-apply"}) {
    labels->excludes(app.get_option(other));
  }
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
  add_zero_shot_options(*app, *options);
  add_text_task_options(*app, *options);
  CLI::Option* truncate = app->get_option("--truncate");
  truncate->description(truncate->get_description() + ", with --labels [only_first]");
  return {app, [options] { return run_classify(*options); }};
}

}  // namespace sapwood::cli
