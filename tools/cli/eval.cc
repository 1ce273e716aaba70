// sapwood eval: the metrics of a model on a labelled file.
#include <chrono>
#include <memory>

#include "base/json_writer.h"
#include "commands.h"
#include "eval/tasks.h"
#include "options.h"
#include "progress.h"

namespace sapwood::cli {
namespace {

using Evaluate = Evaluation (*)(const Model&, const EvalOptions&);

struct EvalTask {
  Evaluate evaluate;
  ModelKind kind;
};

struct EvalArguments {
  ModelOptions model;
  LengthFlags length;
  EvalTask task{};
  EvalOptions eval;
  std::string output;
  bool json = false, quiet = false;
};

constexpr const char* kProtocols =
    R"(Files and metrics (fractions and correlations, not percentages):
  classify   TSV with a header naming sentence (or text, or sentence1 and sentence2) and label, or JSONL
             {"text", "text_pair", "label"}; labels are ids or names. accuracy, f1 (of class 1 where there
             are two, else the mean over classes), matthews; for regression pearson, spearman.
  sts        STS-B's TSV (genre, file, year, id, score, sentence 1, sentence 2; no header, no quotes) or
             JSONL {"text", "text_pair", "score"}. pearson, spearman of the cosine of the embeddings.
  ner        CoNLL lines "word tag" or WikiANN lines "en:word<TAB>tag", IOB2. Words are joined by a space;
             a word takes the label of its first token. precision, recall, f1 of whole entities.
  qa         SQuAD JSON, 1.1 or 2.0. exact_match, f1 with SQuAD's normalisation of answers.
  retrieval  SQuAD JSON: contexts are the documents, questions the queries; cosine of the embeddings.
             mrr@10, accuracy@1, recall@10.
  mlm        Lines of text. Of each line 15% of the tokens (special ones excepted, at least one), chosen by
             --seed, are replaced by the mask token, always, and all at once. accuracy, loss (mean cross
             entropy in nats), pseudo_perplexity (its exponential), masked_tokens.)";

std::string json_of(const Evaluation& evaluation, double seconds) {
  std::string json;
  JsonWriter writer(json);
  writer.begin_object().key("metrics").begin_object();
  // A metric that does not exist (the correlation of a constant) is not finite: null.
  for (const auto& [name, value] : evaluation.metrics) writer.member(name, value);
  writer.end().member("n", static_cast<std::int64_t>(evaluation.n));
  writer.member("seconds", seconds).end();
  return json + "\n";
}

int run_eval(EvalArguments options) {
  const Model model = load_model(options.model, options.task.kind, options.quiet);
  options.eval.length = options.length.options();
  Progress progress(progress_wanted() && !options.quiet);
  options.eval.progress = [&](std::size_t done, std::size_t all) {
    progress.update(done, done, all);
  };
  InputFiles inputs;
  inputs.add_model(model.path());
  inputs.add(options.eval.file);
  OutputStream output(options.output, inputs);
  const auto start = std::chrono::steady_clock::now();
  const Evaluation evaluation = options.task.evaluate(model, options.eval);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  progress.clear();
  if (evaluation.n == 0) {
    throw Error(ErrorCode::malformed, printable(options.eval.file) + " has no examples");
  }
  if (evaluation.truncated > 0 && !options.quiet) {
    say(std::to_string(evaluation.truncated) + " texts were " +
        truncation_notice(options.eval.length.max_length.value_or(model.max_length())));
  }
  if (options.json) {
    output.write(json_of(evaluation, seconds));
  } else {
    char line[96];
    for (const auto& [name, value] : evaluation.metrics) {
      std::snprintf(line, sizeof line, "%-18s %.4f\n", name.c_str(), value);
      output.write(line);
    }
    std::snprintf(line, sizeof line, "%-18s %zu\n%-18s %.2f\n", "n", evaluation.n, "seconds",
                  seconds);
    output.write(line);
  }
  output.close();
  return 0;
}

}  // namespace

Command add_eval(CLI::App& root) {
  auto options = std::make_shared<EvalArguments>();
  CLI::App* app = root.add_subcommand("eval", "The metrics of a model on a labelled file");
  const ModelKind encoder{"an encoder, e.g. a sentence-transformers model", "minilm-fff-embed"};
  add_choice<EvalTask, EvalTask>(
      *app, "--task", options->task,
      {{"classify",
        {evaluate_classify, {"a model with a sequence classification head", "minilm-fff-sst2"}}},
       {"sts", {evaluate_sts, encoder}},
       {"ner", {evaluate_ner, {"a model with a token classification head", "minilm-fff-ner"}}},
       {"qa", {evaluate_qa, {"a model with a question answering head", ""}}},
       {"retrieval", {evaluate_retrieval, encoder}},
       {"mlm", {evaluate_mlm, {"a model with a masked language model head", "minilm-fff-mlm"}}}},
      "What is measured")
      ->required();
  app->add_option("file", options->eval.file, "The labelled data")->required()->type_name("FILE");
  add_model_name(*app, options->model.model, {"a model for the task", ""});
  app->add_option("--limit", options->eval.limit, "Use the first N examples; 0: all")
      ->type_name("N")
      ->capture_default_str();
  app->add_option("--seed", options->eval.seed, "mlm: which tokens are masked")
      ->type_name("N")
      ->capture_default_str();
  app->add_flag("--json", options->json, "{\"metrics\": {...}, \"n\", \"seconds\"}");
  add_length_options(*app, options->length);
  app->add_option("-o,--output", options->output, "Write to a file")->type_name("FILE");
  add_quiet(*app, options->quiet);
  add_engine_options(*app, options->model);
  app->footer(kProtocols);
  return {app, [options] { return run_eval(*options); }};
}

}  // namespace sapwood::cli
