// sapwood ner: labelled tokens, or the entities they form.
#include <memory>
#include <sstream>

#include "commands.h"
#include "json.h"
#include "options.h"
#include "sapwood/tasks.h"

namespace sapwood::cli {
namespace {

constexpr ModelKind kNerKind{"a model with a token classification head", "minilm-fff-ner"};

struct NerArguments : TextTaskOptions {
  Aggregation aggregation = Aggregation::none;
  std::string ignore_labels = "O";
  int stride = 0;
};

std::vector<std::string> split_labels(const std::string& list) {
  std::vector<std::string> labels;
  std::istringstream stream(list);
  for (std::string label; std::getline(stream, label, ',');) labels.push_back(label);
  return labels;
}

Rendered render(const Entities& result, bool grouped, OutputFormat format) {
  Rendered rendered;
  rendered.truncated = result.truncated;
  if (format == OutputFormat::table || format == OutputFormat::csv) {
    const bool table = format == OutputFormat::table;
    for (const Entity& entity : result.entities) {
      rendered.rows.push_back(
          {entity.entity, table ? score_text(entity.score) : number(entity.score),
           std::to_string(entity.start), std::to_string(entity.end), entity.word});
    }
    return rendered;
  }
  JsonWriter writer(rendered.json);
  writer.begin_array();
  for (const Entity& entity : result.entities) {
    writer.begin_object().member(grouped ? "entity_group" : "entity", entity.entity);
    writer.member("score", entity.score);
    if (!grouped) writer.member("index", entity.index);
    writer.member("word", entity.word).member("start", entity.start).member("end", entity.end);
    writer.end();
  }
  writer.end();
  return rendered;
}

int run_ner(const NerArguments& options) {
  const Model model = load_model(options.model, kNerKind, options.io.quiet);
  NerOptions ner_options;
  ner_options.aggregation = options.aggregation;
  ner_options.ignore_labels = split_labels(options.ignore_labels);
  ner_options.stride = options.stride;
  ner_options.length = options.length.options();
  const bool grouped = options.aggregation != Aggregation::none;
  Task task(options.io, model.path());
  task.columns = {grouped ? "group" : "entity", "score", "start", "end", "word"};
  task.truncation_notice =
      truncation_notice(ner_options.length.max_length.value_or(model.max_length()),
                        "--stride N reads them whole, in windows");
  task.compute = [&](std::span<const Record> records, OutputFormat format) {
    return convert_results(
        ner(model, single_texts(records), ner_options),
        [&](const Entities& result, std::size_t) { return render(result, grouped, format); });
  };
  return run_task(std::move(task));
}

}  // namespace

Command add_ner(CLI::App& root) {
  auto options = std::make_shared<NerArguments>();
  CLI::App* app = root.add_subcommand("ner", "Labelled tokens of texts, or the entities they form");
  add_texts(*app, options->io, "Texts to read");
  add_model_name(*app, options->model.model, kNerKind);
  add_choice(*app, "--aggregation-strategy,--aggregation", options->aggregation,
             choices_of<Aggregation>(), "How tokens are grouped to entities [none]");
  app->add_option("--ignore-labels", options->ignore_labels, "Labels left out, separated by commas")
      ->type_name("LABELS")
      ->capture_default_str();
  app->add_option("--stride", options->stride,
                  "Read texts over the limit in windows that overlap by N tokens; 0: cut them")
      ->type_name("N")
      ->check(at_least(0))
      ->capture_default_str();
  add_text_task_options(*app, *options);
  return {app, [options] { return run_ner(*options); }};
}

}  // namespace sapwood::cli
