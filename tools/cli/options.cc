#include "options.h"

#include <charconv>
#include <limits>

namespace sapwood::cli {
CLI::Validator at_least(int least) {
  const auto check = [least](const std::string& text) -> std::string {
    int value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc() && stop == end && value >= least) return {};
    const bool large = error == std::errc::result_out_of_range && text.front() != '-';
    return "expected a whole number of at " +
           (large ? "most " + std::to_string(std::numeric_limits<int>::max())
                  : "least " + std::to_string(least)) +
           ", found '" + printable(text) + "'";
  };
  return CLI::Validator(check, ">=" + std::to_string(least));
}

LoadOptions ModelOptions::load_options() const {
  LoadOptions load;
  load.isa = isa;
  load.dtype = dtype;
  load.dense = dense;
  load.copy_weights = copy_weights;
  load.threads = threads;
  load.batch_tokens = batch_tokens;
  return load;
}

LengthOptions LengthFlags::options() const {
  LengthOptions length;
  length.max_length = max_length;
  length.truncation = truncation.value_or(Truncation::longest_first);
  length.direction = direction;
  length.parse_special_tokens = !plain_special;
  return length;
}

void add_model_name(CLI::App& app, std::string& model, const ModelKind& kind) {
  std::string help = std::string("Directory, converted file or name of ") + kind.wanted +
                     "; ORG/NAME: what a Hugging Face library has downloaded";
  if (*kind.default_name != '\0') help += std::string(" [") + kind.default_name + "]";
  app.add_option("-m,--model", model, help)->type_name("MODEL")->envname("SAPWOOD_MODEL");
}

void add_engine_options(CLI::App& app, ModelOptions& options, int default_threads) {
  options.threads = default_threads;
  app.add_option("--threads", options.threads, "Threads; 0: all that this process may use")
      ->type_name("N")
      ->check(at_least(0))
      ->envname("SAPWOOD_THREADS")
      ->capture_default_str();
  app.add_option("--batch-tokens", options.batch_tokens, "Tokens computed at once; bounds memory")
      ->type_name("N")
      ->check(at_least(1))
      ->envname("SAPWOOD_BATCH_TOKENS")
      ->capture_default_str();
  add_choice(app, "--dtype", options.dtype, choices_of<WeightType>(),
             "Type of the weights; auto: as converted, f32 for a directory")
      ->envname("SAPWOOD_DTYPE")
      ->default_str(std::string(to_string(options.dtype)));
  add_choice(app, "--dense", options.dense, choices_of<DenseProducts>(),
             "Who computes dense products; auto: our kernels, but oneDNN for int8 where the "
             "processor has AMX")
      ->envname("SAPWOOD_DENSE")
      ->default_str(std::string(to_string(options.dense)));
  app.add_flag("--copy-weights", options.copy_weights,
               "Copy a converted file into memory (large pages, a few percent faster) instead of "
               "mapping it")
      ->envname("SAPWOOD_COPY_WEIGHTS");
  // SAPWOOD_ISA is read by the library, and only by auto.
  add_choice(
      app, "--isa", options.isa, choices_of<Isa>(),
      "Kernels: those of an instruction set, or avx512_intel, what Intel's processors with "
      "AVX-512 BF16 take of several; auto: SAPWOOD_ISA, else what is fastest on this processor")
      ->default_str(std::string(to_string(options.isa)));
}

void add_length_options(CLI::App& app, LengthFlags& flags) {
  app.add_option("--max-length", flags.max_length,
                 "Tokens of the longest text, special tokens included [the model's]")
      ->type_name("N")
      ->check(at_least(1))
      ->envname("SAPWOOD_MAX_LENGTH");
  add_choice(app, "--truncate", flags.truncation, choices_of<Truncation>(),
             "What is cut of longer texts; none: they are errors [longest_first]")
      ->envname("SAPWOOD_TRUNCATE");
  add_choice(app, "--truncation-side", flags.direction, choices_of<Direction>(),
             "The end that is cut [the model's, mostly right]");
  app.add_flag("--plain-special", flags.plain_special,
               "Read special tokens in a text, like [MASK], as plain text");
}

void add_input_options(CLI::App& app, IoOptions& io) {
  app.add_option("-i,--input", io.input, "Read inputs from a file; -: standard input")
      ->type_name("FILE");
  add_choice<std::optional<InputFormat>, InputFormat>(
      app, "--input-format", io.input_format,
      {{"text", InputFormat::text},
       {"jsonl", InputFormat::jsonl},
       {"json", InputFormat::json},
       {"csv", InputFormat::csv},
       {"tsv", InputFormat::tsv}},
      "[by the file's extension, else text: one a line]");
  app.add_option("--field", io.fields,
                 "Name of the field to read in JSON objects and tables, and of the second one")
      ->type_name("NAME[,NAME]")
      ->delimiter(',')
      ->allow_extra_args(false);
}

void add_output_options(CLI::App& app, IoOptions& io, bool npy) {
  app.add_option("-o,--output", io.output, "Write results to a file; -: standard output")
      ->type_name("FILE");
  std::vector<std::pair<std::string, OutputFormat>> formats{{"table", OutputFormat::table},
                                                            {"json", OutputFormat::json},
                                                            {"jsonl", OutputFormat::jsonl},
                                                            {"csv", OutputFormat::csv}};
  if (npy) formats.emplace_back("npy", OutputFormat::npy);
  add_choice(app, "--format", io.format, std::move(formats),
             "[by the file's extension, else table on a terminal and jsonl otherwise]");
  add_quiet(app, io.quiet);
}

void add_quiet(CLI::App& app, bool& quiet) {
  app.add_flag("-q,--quiet", quiet, "No notices and no progress on standard error");
}

void add_texts(CLI::App& app, IoOptions& io, const std::string& what) {
  app.add_option("texts", io.texts, what + " [from standard input, one a line]")
      ->type_name("TEXT")
      ->expected(0, -1);
}

void add_text_task_options(CLI::App& app, TextTaskOptions& options, bool npy) {
  add_length_options(app, options.length);
  add_input_options(app, options.io);
  add_output_options(app, options.io, npy);
  add_engine_options(app, options.model);
}

std::filesystem::path model_path(const std::string& name, const ModelKind& kind) {
  const bool named = !name.empty();
  if (named || *kind.default_name != '\0') return find_model(named ? name : kind.default_name);
  throw UsageError(std::string("no model given; name one with -m: ") + kind.wanted +
                   " (a directory, a converted file, a name in $SAPWOOD_MODELS, or the "
                   "ORG/NAME of a model in the Hugging Face cache)");
}

Model load_model(const std::filesystem::path& path, const LoadOptions& options, bool quiet) {
  Model model = Model::load(path, options);
  say_notices(model.notices(), quiet);
  return model;
}

Model load_model(const ModelOptions& options, const ModelKind& kind, bool quiet) {
  return load_model(model_path(options.model, kind), options.load_options(), quiet);
}

std::vector<TextInput> text_inputs(std::span<const Record> records) {
  std::vector<TextInput> inputs;
  inputs.reserve(records.size());
  for (const Record& record : records) inputs.push_back({record.first, record.second});
  return inputs;
}

std::vector<std::string_view> single_texts(std::span<const Record> records) {
  std::vector<std::string_view> texts;
  texts.reserve(records.size());
  for (const Record& record : records) texts.push_back(record.first);
  return texts;
}

std::string truncation_notice(int limit, const std::string& advice) {
  return "longer than " + std::to_string(limit) + " tokens and cut" +
         (advice.empty() ? "" : "; " + advice) +
         "; --max-length N sets another limit, --truncate none refuses to cut";
}

}  // namespace sapwood::cli
