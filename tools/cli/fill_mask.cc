// sapwood fill-mask: the likeliest tokens in the place of a mask.
#include <memory>

#include "commands.h"
#include "json.h"
#include "options.h"
#include "sapwood/tasks.h"

namespace sapwood::cli {
namespace {

constexpr ModelKind kFillMaskKind{"a model with a masked language model head", "minilm-fff-mlm"};

struct FillMaskArguments : TextTaskOptions {
  int top_k = 5;
  std::vector<std::string> targets;
};

// A target that is no token is filled in as another word: that is said.
void say_replaced(const Model& model, const std::vector<std::string>& targets, bool quiet) {
  std::vector<std::string> notices;
  for (const MaskTarget& target : mask_targets(model, targets)) {
    if (target.exact) continue;
    notices.push_back("the target " + quote(target.word) + " is no token of the vocabulary; " +
                      quote(model.tokenizer().token(target.token)) +
                      ", its first part, stands for it");
  }
  say_notices(notices, quiet);
}

Rendered render(const MaskFills& result, OutputFormat format) {
  Rendered rendered;
  rendered.truncated = result.truncated;
  if (format == OutputFormat::table || format == OutputFormat::csv) {
    const bool table = format == OutputFormat::table;
    for (std::size_t mask = 0; mask < result.masks.size(); ++mask) {
      for (const MaskFill& fill : result.masks[mask]) {
        rendered.rows.push_back({std::to_string(mask + 1),
                                 table ? score_text(fill.score) : number(fill.score),
                                 std::to_string(fill.token), fill.token_str, fill.sequence});
      }
    }
    return rendered;
  }
  const bool only = result.masks.size() == 1;
  JsonWriter writer(rendered.json);
  if (!only) writer.begin_array();
  for (const std::vector<MaskFill>& fills : result.masks) {
    writer.begin_array();
    for (const MaskFill& fill : fills) {
      writer.begin_object().member("score", fill.score).member("token", fill.token);
      writer.member("token_str", fill.token_str).member("sequence", fill.sequence).end();
    }
    writer.end();
  }
  if (!only) writer.end();
  return rendered;
}

int run_fill_mask(const FillMaskArguments& options) {
  const Model model = load_model(options.model, kFillMaskKind, options.io.quiet);
  const FillMaskOptions fill_options{options.top_k, options.length.options(), options.targets};
  say_replaced(model, options.targets, options.io.quiet);
  Task task(options.io, model.path());
  task.columns = {"mask", "score", "id", "token", "sequence"};
  task.truncation_notice =
      truncation_notice(fill_options.length.max_length.value_or(model.max_length()));
  task.compute = [&](std::span<const Record> records, OutputFormat format) {
    return convert_results(
        fill_mask(model, single_texts(records), fill_options),
        [&](const MaskFills& result, std::size_t) { return render(result, format); });
  };
  return run_task(std::move(task));
}

}  // namespace

Command add_fill_mask(CLI::App& root) {
  auto options = std::make_shared<FillMaskArguments>();
  CLI::App* app = root.add_subcommand("fill-mask", "The likeliest tokens in the place of a mask");
  add_texts(*app, options->io, "Texts with the model's mask token, e.g. [MASK]");
  add_model_name(*app, options->model.model, kFillMaskKind);
  app->add_option("--top-k", options->top_k, "Tokens shown for a mask, best first")
      ->type_name("K")
      ->check(at_least(1))
      ->capture_default_str();
  app->add_option("--targets", options->targets, "Words of which alone a mask is filled")
      ->type_name("WORD[,WORD...]")
      ->delimiter(',');
  add_text_task_options(*app, *options);
  return {app, [options] { return run_fill_mask(*options); }};
}

}  // namespace sapwood::cli
