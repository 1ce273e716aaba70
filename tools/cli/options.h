// Options that several subcommands share: which model, how long texts may be, where input comes
// from and where results go. What a service would set has an environment variable.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/quote.h"
#include "pipeline.h"
#include "sapwood/model.h"
#include "sapwood/tasks.h"
#include "usage_error.h"

namespace sapwood::cli {

// What a task needs of its model.
struct ModelKind {
  const char* wanted;        // "a model with a token classification head"
  const char* default_name;  // "": the task has no default model
};

struct ModelOptions {
  std::string model;  // "": the task's default
  Isa isa = Isa::automatic;
  WeightType dtype = WeightType::automatic;
  DenseProducts dense = DenseProducts::automatic;
  bool copy_weights = false;
  int threads = 0;
  int batch_tokens = 4096;

  LoadOptions load_options() const;
};

struct LengthFlags {
  std::optional<int> max_length;
  std::optional<Truncation> truncation;
  std::optional<Direction> direction;
  bool plain_special = false;

  LengthOptions options() const;
};

// What the subcommands that run a model over texts share; theirs add to it.
struct TextTaskOptions {
  IoOptions io;
  ModelOptions model;
  LengthFlags length;
};

// Whole numbers from `least` on. CLI11's own checks name a range with ends of 300 digits.
CLI::Validator at_least(int least);

void add_model_name(CLI::App& app, std::string& model, const ModelKind& kind);
void add_engine_options(CLI::App& app, ModelOptions& options, int default_threads = 0);
void add_length_options(CLI::App& app, LengthFlags& flags);
void add_input_options(CLI::App& app, IoOptions& io);
void add_output_options(CLI::App& app, IoOptions& io, bool npy = false);
void add_quiet(CLI::App& app, bool& quiet);
// The texts as arguments.
void add_texts(CLI::App& app, IoOptions& io, const std::string& what);

// Those of engine, lengths, input and output, which end a subcommand's help. The options proper to it come first.
void add_text_task_options(CLI::App& app, TextTaskOptions& options, bool npy = false);

// The file or directory that the user named, else the default model's. UsageError saying what to
// give where there is neither.
std::filesystem::path model_path(const std::string& name, const ModelKind& kind);
// That model. What its files gave rise to say is said, unless `quiet`.
Model load_model(const ModelOptions& options, const ModelKind& kind, bool quiet);
Model load_model(const std::filesystem::path& path, const LoadOptions& options, bool quiet);

// The texts and pairs of the records, whose characters they view.
std::vector<TextInput> text_inputs(std::span<const Record> records);
// The same of tasks that take no pairs.
std::vector<std::string_view> single_texts(std::span<const Record> records);

// "longer than 512 tokens and cut; ..."
std::string truncation_notice(int limit, const std::string& advice = "");

// The names of an enumeration's values, but for some.
template <HasNames T>
std::vector<std::pair<std::string, T>> choices_of(std::initializer_list<T> without = {}) {
  std::vector<std::pair<std::string, T>> choices;
  for (const NamedValue& named : names_of(T{}).values) {
    const auto value = static_cast<T>(named.value);
    if (std::find(without.begin(), without.end(), value) == without.end()) {
      choices.emplace_back(named.name, value);
    }
  }
  return choices;
}

// An option whose values are words. `value` is a T or an optional<T>.
template <class Value, class T>
CLI::Option* add_choice(CLI::App& app, const std::string& names, Value& value,
                        std::vector<std::pair<std::string, T>> choices, const std::string& help) {
  std::vector<std::string> words;
  for (const auto& choice : choices) words.push_back(choice.first);
  const auto set = [&value, choices = std::move(choices)](const std::string& word) {
    for (const auto& [name, meaning] : choices) {
      if (name == word) value = meaning;
    }
  };
  return app.add_option_function<std::string>(names, set, help)->check(CLI::IsMember(words));
}

}  // namespace sapwood::cli
