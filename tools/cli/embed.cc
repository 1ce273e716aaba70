// sapwood embed: one vector a text, or one a token.
#include <memory>

#include "commands.h"
#include "json.h"
#include "options.h"
#include "sapwood/tasks.h"

namespace sapwood::cli {
namespace {

constexpr ModelKind kEmbedKind{"an encoder, e.g. a sentence-transformers model",
                               "minilm-fff-embed"};

struct EmbedArguments : TextTaskOptions {
  std::optional<PoolingMode> pooling;
  std::optional<bool> normalize;
  std::optional<std::string> pair;
  std::optional<std::string> prompt, prompt_name;
  std::optional<int> dimensions;
  bool sparse = false;
  std::optional<Route> route;
  std::optional<int> max_active_dims;

  EmbedOptions options() const {
    return {pooling, normalize, length.options(), prompt, prompt_name, dimensions};
  }
};

std::span<const float> row(const Embedding& result, int i) {
  const auto dim = static_cast<std::size_t>(result.dim);
  return {result.values.data() + static_cast<std::size_t>(i) * dim, dim};
}

std::string to_json(const Model& model, const Embedding& result, bool per_token) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object();
  if (per_token) {
    writer.key("tokens").begin_array();
    for (const std::int32_t id : result.ids) writer.value(model.tokenizer().token(id));
    writer.end();
  }
  writer.key("embedding");
  if (per_token) {
    writer.begin_array();
    for (int i = 0; i < result.rows; ++i) writer.value(row(result, i));
    writer.end();
  } else {
    writer.value(result.values);
  }
  if (result.truncated) writer.member("truncated", true);
  writer.end();
  return out;
}

void append_rows(Rendered& rendered, const Model& model, const Embedding& result, bool per_token,
                 OutputFormat format) {
  for (int i = 0; i < result.rows; ++i) {
    std::vector<std::string> cells;
    if (per_token)
      cells.emplace_back(model.tokenizer().token(result.ids[static_cast<std::size_t>(i)]));
    const std::span<const float> values = row(result, i);
    if (format == OutputFormat::csv) {
      for (const float value : values) cells.push_back(number(value));
    } else {
      // A vector has no place on a terminal: its beginning shows that it is there.
      std::string start;
      for (std::size_t k = 0; k < values.size() && k < 4; ++k) start += score_text(values[k]) + " ";
      cells.push_back(std::to_string(values.size()));
      cells.push_back(start + "...");
    }
    rendered.rows.push_back(std::move(cells));
  }
}

std::vector<std::string> columns(int size, bool per_token, OutputFormat format) {
  std::vector<std::string> names;
  if (per_token) names.emplace_back("token");
  if (format == OutputFormat::csv) {
    for (int i = 0; i < size; ++i) names.push_back(std::to_string(i));
  } else {
    names.insert(names.end(), {"size", "values"});
  }
  return names;
}

Rendered render_sparse(const Model& model, const SparseEmbedding& result, OutputFormat format) {
  Rendered rendered;
  rendered.truncated = result.truncated;
  const bool table = format == OutputFormat::table;
  JsonWriter writer(rendered.json);
  writer.begin_object().key("embedding").begin_array();
  for (const SparseValue& each : result.values) {
    if (table || format == OutputFormat::csv) {
      rendered.rows.push_back({std::to_string(each.index),
                               std::string(model.tokenizer().token(each.index)),
                               table ? score_text(each.value) : number(each.value)});
    } else {
      writer.begin_object().member("index", each.index).member("value", each.value).end();
    }
  }
  writer.end();
  if (result.truncated) writer.member("truncated", true);
  writer.end();
  return rendered;
}

int run_sparse(const EmbedArguments& options) {
  if (options.pooling || options.normalize || options.dimensions) {
    throw UsageError("--sparse has no --pooling, --normalize and --dimensions");
  }
  const Model model =
      load_model(options.model, {"a model with a masked-LM head", ""}, options.io.quiet);
  const SparseOptions sparse{options.route, options.prompt, options.prompt_name,
                             options.max_active_dims, options.length.options()};
  Task task(options.io, model.path());
  task.schema.second = "text_pair";
  task.schema.fixed_second = options.pair;
  task.columns = {"index", "token", "value"};
  task.truncation_notice = truncation_notice(sparse.length.max_length.value_or(model.max_length()));
  task.compute = [&](std::span<const Record> records, OutputFormat format) {
    return convert_results(sparse_embed(model, text_inputs(records), sparse),
                           [&](const SparseEmbedding& result, std::size_t) {
                             return render_sparse(model, result, format);
                           });
  };
  return run_task(std::move(task));
}

int run_embed(const EmbedArguments& options) {
  if (options.sparse) return run_sparse(options);
  if (options.route || options.max_active_dims) {
    throw UsageError("--route and --max-active-dims are for --sparse");
  }
  const Model model = load_model(options.model, kEmbedKind, options.io.quiet);
  const EmbedOptions embed_options = options.options();
  const LengthOptions& length = embed_options.length;
  const int size = embedding_size(model, embed_options);
  const bool per_token = options.pooling == PoolingMode::none;
  Task task(options.io, model.path());
  task.schema.second = "text_pair";
  task.schema.fixed_second = options.pair;
  task.columns = columns(size, per_token, output_format(options.io));
  task.show_text = !per_token;
  task.npy_columns = per_token ? 0 : size;
  task.truncation_notice = truncation_notice(length.max_length.value_or(model.max_length()));
  // A token's vector is a thousand times as long as its text.
  if (per_token) task.chunk = {64, std::size_t{1} << 15};
  task.compute = [&](std::span<const Record> records, OutputFormat format) {
    return convert_results(
        embed(model, text_inputs(records), embed_options), [&](Embedding result, std::size_t) {
          Rendered rendered;
          rendered.truncated = result.truncated;
          if (format == OutputFormat::npy) {
            rendered.values = std::move(result.values);
          } else if (format == OutputFormat::csv || format == OutputFormat::table) {
            append_rows(rendered, model, result, per_token, format);
          } else {
            rendered.json = to_json(model, result, per_token);
          }
          return rendered;
        });
  };
  return run_task(std::move(task));
}

}  // namespace

Command add_embed(CLI::App& root) {
  auto options = std::make_shared<EmbedArguments>();
  CLI::App* app = root.add_subcommand("embed", "One vector a text, or one a token");
  add_texts(*app, options->io, "Texts to embed");
  add_model_name(*app, options->model.model, kEmbedKind);
  app->add_option("--text-pair", options->pair, "Second text of every pair")->type_name("TEXT");
  add_choice(
      *app, "--pooling", options->pooling, choices_of<PoolingMode>(),
      "From token vectors to one; none: the last hidden state of every token [the model's, else "
      "mean]")
      ->envname("SAPWOOD_POOLING");
  app->add_flag_function(
      "--normalize,!--no-normalize",
      [options = options.get()](std::int64_t count) { options->normalize = count > 0; },
      "Scale vectors to length 1 [the model's, else not]");
  app->add_option("--prompt-name", options->prompt_name,
                  "The model's prompt of this name before every text [the model's default prompt]")
      ->type_name("NAME");
  app->add_option("--prompt", options->prompt, "This before every text instead")->type_name("TEXT");
  app->add_option("--dimensions", options->dimensions,
                  "Keep so many numbers of a vector, the first ones [the model's, else all]; with "
                  "--normalize what is kept is of length 1")
      ->check(at_least(1));
  app->add_flag("--sparse", options->sparse,
                "Sparse vectors over the vocabulary (SPLADE): {index, value} of what is not zero");
  add_choice(*app, "--route", options->route, choices_of<Route>(),
             "With --sparse: as a query or a document, by the model's way and prompt for it [the "
             "model's default]");
  app->add_option("--max-active-dims", options->max_active_dims,
                  "With --sparse: keep so many numbers, the largest [the model's, else all]")
      ->check(at_least(1));
  add_text_task_options(*app, *options, true);
  return {app, [options] { return run_embed(*options); }};
}

}  // namespace sapwood::cli
