// The evaluations: each reads a data set, runs the model over it and returns its metrics by name.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "sapwood/model.h"

namespace sapwood::cli {

struct EvalOptions {
  std::string file;
  std::size_t limit = 0;   // examples used, the first ones; 0: all
  std::uint64_t seed = 0;  // mlm: of the masking
  LengthOptions length;
  std::function<void(std::size_t done, std::size_t all)> progress = [](std::size_t, std::size_t) {};
};

struct Evaluation {
  std::vector<std::pair<std::string, double>> metrics;
  std::size_t n = 0;          // examples
  std::size_t truncated = 0;  // texts that were cut
};

Evaluation evaluate_classify(const Model& model, const EvalOptions& options);
Evaluation evaluate_sts(const Model& model, const EvalOptions& options);
Evaluation evaluate_ner(const Model& model, const EvalOptions& options);
Evaluation evaluate_qa(const Model& model, const EvalOptions& options);
Evaluation evaluate_retrieval(const Model& model, const EvalOptions& options);
Evaluation evaluate_mlm(const Model& model, const EvalOptions& options);

// mlm: which of `maskable` positions are masked in text number `text`: each with probability 0.15,
// decided by a generator seeded with both numbers; where none was chosen, one of them. Ascending.
std::vector<std::int32_t> choose_masks(std::span<const std::int32_t> maskable, std::uint64_t seed,
                                       std::uint64_t text);

}  // namespace sapwood::cli
