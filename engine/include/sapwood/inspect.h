// What a model file or directory holds, for people and scripts.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "sapwood/export.h"
#include "sapwood/graph_summary.h"
#include "sapwood/model.h"

namespace sapwood {

struct ModelInfo {
  ModelConfig config;
  std::filesystem::path path;
  std::string format;             // "converted" or "huggingface"
  std::string dtype;              // of the weights as stored: "f32", "f16", ...
  std::int64_t parameters = 0;    // numbers the checkpoint holds, tied weights once
  std::int64_t weight_bytes = 0;  // packed weights in memory or mapped
  int max_length = 0;
  std::string isa;             // of the kernels chosen: "avx512_bf16"
  std::string processor;       // "AuthenticAMD family 25 model 17"
  std::string processor_line;  // its line in the table of processors (kernels/README.md): "zen4"
  // Which instruction set's kernel runs each operation: ("linear_bf16", "avx512"); "none" where that of floats serves.
  std::vector<std::pair<std::string, std::string>> kernels;
  std::vector<std::string> unused_tensors;  // in the checkpoint and read by nobody
  std::string source_sha256;  // converted models: of the checkpoint they were made from
};

SAPWOOD_API ModelInfo inspect(const Model& model);

// Whether Model::load takes a model, by its files but without its weights, of which only names, shapes and types are
// read.
struct LoadCheck {
  std::filesystem::path path;
  std::string
      architecture;  // the family, or what config.json names as model_type; empty: neither is known
  std::string head;  // as inspect names it; empty where it is not known
  std::string tokenizer;  // Tokenizer::model_type(); empty where there is none that loads
  // Why it does not load, each a message of an Error; none: it loads. Every part of a directory is looked at (its
  // configuration, sentence-transformers' files, the weights' table, the tokenizer), so there may be several.
  std::vector<std::string> problems;
  std::vector<std::string> notices;

  bool loads() const noexcept { return problems.empty(); }
};

// A directory or a converted file. Throws Error not_found where there is nothing of that name, io where it cannot be
// looked at.
SAPWOOD_API LoadCheck check_load(const std::filesystem::path& path);

SAPWOOD_API GraphSummary summarize(const Model& model);
SAPWOOD_API std::string to_dot(const GraphSummary& graph);  // for graphviz

// Converted files: recomputes the checksum of the contents. Throws Error malformed on a difference.
SAPWOOD_API void verify(const std::filesystem::path& path);

}  // namespace sapwood
