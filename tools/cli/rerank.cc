// sapwood rerank: texts in the order in which they suit a query.
#include <memory>

#include "commands.h"
#include "json.h"
#include "options.h"
#include "sapwood/tasks.h"

namespace sapwood::cli {
namespace {

constexpr ModelKind kRerankKind{"a cross-encoder (classification head of one label) or an encoder",
                                "minilm-fff-embed"};

struct RerankArguments : TextTaskOptions {
  std::optional<std::string> query;
  std::optional<PairScore> scores;
  std::optional<std::string> query_prompt, text_prompt;
};

Rendered render(const Ranking& ranking, const Record& record, OutputFormat format) {
  Rendered rendered;
  rendered.truncated = ranking.truncated;
  const bool table = format == OutputFormat::table;
  JsonWriter writer(rendered.json);
  writer.begin_array();
  for (const RankedText& ranked : ranking.texts) {
    const std::string& text = record.list.at(static_cast<std::size_t>(ranked.index));
    if (table || format == OutputFormat::csv) {
      rendered.rows.push_back({std::to_string(ranked.index),
                               table ? score_text(ranked.score) : number(ranked.score), text});
    } else {
      writer.begin_object().member("index", ranked.index).member("score", ranked.score);
      writer.member("text", text).end();
    }
  }
  writer.end();
  return rendered;
}

// All texts of the input as one list for the one query: a ranking needs them all. A text that
// cannot be read is the error of the list.
RecordSource gather(const RerankArguments& options, InputFiles& files) {
  RecordSource source = open_source(options.io, Schema{}, files);
  Record record{*options.query, std::nullopt, {}};
  std::vector<Item> chunk, items;
  while (source.next_chunk(chunk, {})) {
    for (Item& item : chunk) {
      if (!item.record) {
        items.push_back({1, item.record.error()});
        return RecordSource(std::move(items));
      }
      record.list.push_back(std::move(item.record).value().first);
    }
  }
  items.push_back({1, std::move(record)});
  return RecordSource(std::move(items));
}

int run_rerank(RerankArguments options) {
  if (!options.query) options.io.default_input = InputFormat::jsonl;
  const InputFormat input = input_format(options.io);
  const bool lists =
      (input == InputFormat::jsonl || input == InputFormat::json) && options.io.texts.empty();
  if (!lists && !options.query) {
    throw UsageError("no query given; name it with --query, or give JSONL {\"query\", \"texts\"}");
  }
  const Model model = load_model(options.model, kRerankKind, options.io.quiet);
  const RerankOptions rerank_options{options.scores, options.length.options(), options.query_prompt,
                                     options.text_prompt};
  Task task(options.io, model.path());
  task.schema = {.first = "query",
                 .second = "texts",
                 .second_required = true,
                 .second_is_list = true,
                 .fixed_first = options.query};
  task.chunk = {16, std::size_t{1} << 20};
  task.columns = {"index", "score", "text"};
  task.truncation_notice =
      truncation_notice(rerank_options.length.max_length.value_or(model.max_length()));
  task.compute = [&](std::span<const Record> records, OutputFormat format) {
    std::vector<Result<Rendered>> answers;
    for (const Record& record : records) {
      const std::vector<std::string_view> texts(record.list.begin(), record.list.end());
      Result<Ranking> ranking = rerank(model, record.first, texts, rerank_options);
      if (ranking) {
        answers.push_back(render(ranking.value(), record, format));
      } else {
        answers.push_back(ranking.error());
      }
    }
    return answers;
  };
  if (lists) return run_task(std::move(task));
  RecordSource source = gather(options, task.inputs);
  return run_task(task, std::move(source));
}

}  // namespace

Command add_rerank(CLI::App& root) {
  auto options = std::make_shared<RerankArguments>();
  CLI::App* app = root.add_subcommand("rerank", "Texts in the order in which they suit a query");
  add_texts(*app, options->io, "Texts to rank");
  app->add_option("--query", options->query, "The query; without it: JSONL {\"query\", \"texts\"}")
      ->type_name("TEXT");
  add_model_name(*app, options->model.model, kRerankKind);
  std::vector<std::pair<std::string, std::optional<PairScore>>> scores{{"model", std::nullopt}};
  for (const auto& [name, score] : choices_of<PairScore>()) scores.emplace_back(name, score);
  add_choice(*app, "--scores", options->scores, std::move(scores),
             "Cross-encoders: the logit (raw) or its sigmoid; model: what its files name, else the "
             "sigmoid [model]");
  app->add_flag_function(
      "--raw-scores", [options = options.get()](std::int64_t) { options->scores = PairScore::raw; },
      "The same as --scores raw");
  app->add_option("--query-prompt", options->query_prompt,
                  "This before the query [the model's prompt \"query\", if it has one]")
      ->type_name("TEXT");
  app->add_option("--text-prompt", options->text_prompt,
                  "This before each text [the model's prompt \"document\"]")
      ->type_name("TEXT");
  add_text_task_options(*app, *options);
  return {app, [options] { return run_rerank(*options); }};
}

}  // namespace sapwood::cli
