// The one loop of all text tasks: read what is there, compute it, print it in order, go on.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "records.h"
#include "writer.h"

namespace sapwood::cli {

struct IoOptions {
  std::vector<std::string> texts;  // arguments
  std::string input;               // "": arguments, else standard input
  std::string output;
  std::optional<InputFormat> input_format;  // unset: by the file's extension
  InputFormat default_input = InputFormat::text;
  std::vector<std::string> fields;     // names of the input's fields in place of the schema's
  std::optional<OutputFormat> format;  // unset: by the file's extension, then by where it goes
  bool quiet = false;
};

struct Task {
  // `model`: what the task is computed with, which the output must not be a part of.
  Task(IoOptions io_options, const std::filesystem::path& model) : io(std::move(io_options)) {
    inputs.add_model(model);
  }

  IoOptions io;
  InputFiles inputs;
  Schema schema;
  ChunkLimits chunk;
  bool show_text = false;         // tables end with the input's first field
  int npy_columns = 0;            // width of the npy array
  std::string truncation_notice;  // what the inputs cut were: "longer than 512 tokens and cut; ..."
  // Names of a CSV's or table's columns.
  std::vector<std::string> columns;
  // One answer (or error) for each record, in the form that `format` needs. What it throws ends the
  // run.
  std::function<std::vector<Result<Rendered>>(std::span<const Record> records, OutputFormat format)>
      compute;
};

// The format that the options ask for.
OutputFormat output_format(const IoOptions& options);
// How the input named by the options is to be read. UsageError for a file whose name says that it is compressed or of
// another kind.
InputFormat input_format(const IoOptions& options);
// The inputs that the options name; a file or standard input is added to `files`. UsageError where
// they contradict each other.
RecordSource open_source(const IoOptions& options, const Schema& schema, InputFiles& files);

// Runs the task over its inputs. Returns 0, or 1 where an input failed.
int run_task(const Task& task, RecordSource source);
int run_task(Task task);

// Results of a task with what turns a value into a Rendered; errors pass through.
template <class T, class Convert>
std::vector<Result<Rendered>> convert_results(std::vector<Result<T>> results, Convert convert) {
  std::vector<Result<Rendered>> answers;
  answers.reserve(results.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i]) {
      answers.push_back(convert(std::move(results[i]).value(), i));
    } else {
      answers.push_back(results[i].error());
    }
  }
  return answers;
}

}  // namespace sapwood::cli
