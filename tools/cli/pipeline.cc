#include "pipeline.h"

#include <unistd.h>

#include <filesystem>

#include "base/quote.h"
#include "progress.h"
#include "usage_error.h"

namespace sapwood::cli {
namespace {

std::string extension(const std::string& path) {
  return std::filesystem::path(path).extension().string();
}

struct Counts {
  std::size_t inputs = 0, failed = 0, truncated = 0;
};

void report(const Counts& counts, const Task& task) {
  const auto some = [&](std::size_t count, const char* was) {
    if (counts.inputs == 1) return std::string("the input ") + was;
    return std::to_string(count) + " of " + std::to_string(counts.inputs) + " inputs " +
           (std::string_view(was) == "was " ? "were " : was);
  };
  if (counts.truncated > 0 && !task.io.quiet) {
    say(some(counts.truncated, "was ") + task.truncation_notice);
  }
  if (counts.failed > 0)
    say(some(counts.failed, "failed; ") + "the results say why, each in its place");
}

}  // namespace

OutputFormat output_format(const IoOptions& options) {
  if (options.format) return *options.format;
  const std::string name = extension(options.output);
  if (name == ".npy") return OutputFormat::npy;
  if (name == ".csv") return OutputFormat::csv;
  if (name == ".json") return OutputFormat::json;
  const bool to_stdout = options.output.empty() || options.output == "-";
  return to_stdout && ::isatty(STDOUT_FILENO) == 1 ? OutputFormat::table : OutputFormat::jsonl;
}

InputFormat input_format(const IoOptions& options) {
  if (options.input_format) return *options.input_format;
  std::string name = extension(options.input);
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (name == ".jsonl" || name == ".ndjson") return InputFormat::jsonl;
  if (name == ".json") return InputFormat::json;
  if (name == ".csv") return InputFormat::csv;
  if (name == ".tsv" || name == ".tab") return InputFormat::tsv;
  for (const char* compressed : {".gz", ".bz2", ".xz", ".zst", ".zip", ".lz4"}) {
    if (name != compressed) continue;
    throw UsageError(printable(options.input) +
                     " is compressed: give what is in it, as in gzip -dc " +
                     "FILE | sapwood ... --input-format jsonl");
  }
  for (const char* other : {".parquet", ".arrow", ".feather", ".xlsx", ".xls", ".ods", ".npy",
                            ".pkl", ".pdf", ".docx"}) {
    if (name != other) continue;
    throw UsageError(printable(options.input) + ": inputs are text, JSON, JSONL, CSV or TSV, not " +
                     name + "; save it as one of them");
  }
  return options.default_input;
}

namespace {

// A name of fields where there are none would be passed over.
void require_fields(const std::vector<std::string>& fields, const char* inputs) {
  if (fields.empty()) return;
  throw UsageError(std::string("--field names a field, and ") + inputs +
                   " have none: leave it out, or give inputs with fields (--input-format jsonl, "
                   "json, csv or tsv)");
}

// The schema with the fields' names that were asked for.
Schema rename_fields(Schema schema, const std::vector<std::string>& fields) {
  const std::size_t most = schema.second.empty() ? 1 : 2;
  if (fields.size() > most) {
    throw UsageError("--field names " + std::to_string(fields.size()) +
                     " fields; this task reads " + std::to_string(most));
  }
  if (!fields.empty()) schema.first = fields[0];
  if (fields.size() > 1) schema.second = fields[1];
  return schema;
}

}  // namespace

RecordSource open_source(const IoOptions& options, const Schema& schema, InputFiles& files) {
  const bool dash = options.input.empty() && options.texts.size() == 1 && options.texts[0] == "-";
  if (!options.texts.empty() && !dash) {
    if (!options.input.empty()) {
      throw UsageError("texts were given both as arguments and with -i; give one of them");
    }
    require_fields(options.fields, "texts that are arguments");
    return RecordSource(argument_items(options.texts, schema));
  }
  const std::string path = options.input.empty() ? "-" : options.input;
  files.add(path);
  const InputFormat format = input_format(options);
  if (format == InputFormat::text) require_fields(options.fields, "lines of text");
  const bool table = format == InputFormat::csv || format == InputFormat::tsv;
  if (table && schema.second_is_list) {
    throw UsageError("a field of a table cannot hold a list of texts; use --input-format jsonl");
  }
  RecordSource source(path, format, rename_fields(schema, options.fields));
  if (source.reader()->is_terminal() && !options.quiet) {
    say("reading from the terminal, one input a line; end with Ctrl-D");
  }
  return source;
}

int run_task(const Task& task, RecordSource source) {
  const OutputFormat format = output_format(task.io);
  OutputStream output(task.io.output, task.inputs);
  if (format == OutputFormat::npy) {
    if (task.npy_columns == 0) {
      throw UsageError(
          "npy holds one vector an input; these results have another shape: use jsonl");
    }
    if (output.is_terminal()) throw UsageError("npy is binary: give a file with -o FILE.npy");
  }
  const auto writer = make_writer(
      format, output, {task.columns, task.show_text, !source.single(), task.npy_columns});
  const RecordReader* reader = source.reader();
  Progress progress(progress_wanted() && reader != nullptr && !reader->is_terminal() &&
                    !output.is_terminal() && !task.io.quiet);

  Counts counts;
  std::vector<Item> items;
  std::vector<Record> records;
  while (source.next_chunk(items, task.chunk)) {
    records.clear();
    std::vector<std::string> shown(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (!items[i].record) continue;
      records.push_back(std::move(items[i].record).value());
      if (format == OutputFormat::table) shown[i] = records.back().first;
    }
    std::vector<Result<Rendered>> answers;
    if (!records.empty()) answers = task.compute(records, format);
    const auto emit = [&](std::size_t i, const Result<Rendered>& answer) {
      ++counts.inputs;
      if (!answer) ++counts.failed;
      if (answer && answer.value().truncated) ++counts.truncated;
      writer->write(items[i].number, shown[i], answer);
    };
    for (std::size_t i = 0, next = 0; i < items.size(); ++i) {
      if (items[i].record) {
        emit(i, answers.at(next++));
      } else {
        emit(i, items[i].record.error());
      }
    }
    writer->flush();
    if (reader != nullptr) {
      progress.update(counts.inputs, reader->bytes_read(), reader->bytes_total());
    }
  }
  writer->finish();
  output.close();
  progress.clear();
  report(counts, task);
  return counts.failed == 0 ? 0 : 1;
}

int run_task(Task task) {
  RecordSource source = open_source(task.io, task.schema, task.inputs);
  return run_task(task, std::move(source));
}

}  // namespace sapwood::cli
