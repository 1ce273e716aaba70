// sapwood qa: the part of a context that answers a question.
#include <memory>

#include "commands.h"
#include "json.h"
#include "options.h"
#include "sapwood/tasks.h"

namespace sapwood::cli {
namespace {

constexpr ModelKind kQaKind{"a model with a question answering head", ""};

struct QaArguments {
  IoOptions io;
  ModelOptions model;
  std::optional<std::string> question, context;
  AnswerOptions answer;
};

Rendered render(const std::vector<Answer>& results, OutputFormat format) {
  Rendered rendered;
  if (format == OutputFormat::table || format == OutputFormat::csv) {
    const bool table = format == OutputFormat::table;
    for (const Answer& result : results) {
      rendered.rows.push_back({table ? score_text(result.score) : number(result.score),
                               std::to_string(result.start), std::to_string(result.end),
                               result.answer});
    }
    return rendered;
  }
  JsonWriter writer(rendered.json);
  writer.begin_array();
  for (const Answer& result : results) {
    writer.begin_object().member("score", result.score).member("start", result.start);
    writer.member("end", result.end).member("answer", result.answer).end();
  }
  writer.end();
  return rendered;
}

int run_qa(QaArguments options) {
  // Without either field fixed a plain line cannot be an input.
  if (!options.question && !options.context) options.io.default_input = InputFormat::jsonl;
  const bool both = options.question && options.context;
  if (!both && !options.question && !options.context &&
      input_format(options.io) == InputFormat::text) {
    throw UsageError(
        "lines of text need --question (lines are contexts) or --context (lines are "
        "questions); or use --input-format jsonl with {\"question\", \"context\"}");
  }
  const Model model = load_model(options.model, kQaKind, options.io.quiet);
  Task task(options.io, model.path());
  task.schema = {.first = "question",
                 .second = "context",
                 .second_required = true,
                 .fixed_first = options.question,
                 .fixed_second = options.context};
  task.columns = {"score", "start", "end", "answer"};
  // The windows read every context whole; too long a question is an error.
  task.compute = [&](std::span<const Record> records, OutputFormat format) {
    std::vector<QuestionInput> inputs;
    for (const Record& record : records) inputs.push_back({record.first, *record.second});
    return convert_results(
        answer(model, inputs, options.answer),
        [&](const std::vector<Answer>& results, std::size_t) { return render(results, format); });
  };
  if (!both) return run_task(std::move(task));
  if (!options.io.input.empty()) {
    throw UsageError("--question, --context and -i were all given; leave one of them out");
  }
  std::vector<Item> items;
  items.push_back({1, Record{*options.question, options.context, {}}});
  return run_task(task, RecordSource(std::move(items)));
}

}  // namespace

Command add_qa(CLI::App& root) {
  auto options = std::make_shared<QaArguments>();
  CLI::App* app = root.add_subcommand("qa", "The part of a context that answers a question");
  app->add_option("--question", options->question, "The question; alone: lines are contexts")
      ->type_name("TEXT");
  app->add_option("--context", options->context, "The text to search; alone: lines are questions")
      ->type_name("TEXT");
  add_model_name(*app, options->model.model, kQaKind);
  AnswerOptions& answer = options->answer;
  app->add_option("--top-k", answer.top_k, "Answers shown, best first")
      ->type_name("K")
      ->check(at_least(1))
      ->capture_default_str();
  app->add_option("--max-answer-length", answer.max_answer_length, "Tokens of the longest answer")
      ->type_name("N")
      ->check(at_least(1))
      ->capture_default_str();
  app->add_option("--max-seq-length,--max-length", answer.max_seq_length,
                  "Tokens of one window, question included [384, or the model's limit where less]")
      ->type_name("N")
      ->check(at_least(1));
  app->add_option("--stride,--doc-stride", answer.stride,
                  "Tokens by which windows overlap [128, or half a window where less]")
      ->type_name("N")
      ->check(at_least(0));
  app->add_flag("--handle-impossible-answer", answer.handle_impossible_answer,
                "The empty answer competes with its own score");
  app->add_option("--no-answer-threshold", answer.no_answer_threshold,
                  "An answer that scores less becomes the empty answer")
      ->type_name("SCORE");
  app->add_flag("!--plain-special", answer.parse_special_tokens,
                "Read special tokens in a text, like [MASK], as plain text");
  add_input_options(*app, options->io);
  add_output_options(*app, options->io);
  add_engine_options(*app, options->model);
  return {app, [options] { return run_qa(*options); }};
}

}  // namespace sapwood::cli
