// From a Hugging Face directory to one packed file that is mapped at load.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sapwood/compute.h"
#include "sapwood/export.h"

namespace sapwood {

struct ConvertOptions {
  WeightType dtype = WeightType::f32;  // of the packed weights; there is no automatic choice
  // Type of the rows that fast feedforward decides by, where it shall be finer than dtype;
  // automatic: the same.
  WeightType decisions = WeightType::automatic;
  // int8: products whose outputs are off by more than this, as a part of their size, are kept in
  // bf16, as are weights that hold a NaN or an infinity, which int8 does not have.
  double max_error = 0.05;
};

// What was measured on the way.
struct ConvertReport {
  struct Product {
    std::string name;  // "layers.0.ffn.out"
    // int8's, root mean square relative to the outputs, on sample texts; NaN where weights or
    // inputs are not finite.
    double error;
    std::string dtype;  // what it is kept in
  };
  // int8 only: every product measured, and every table or tree that is kept in bf16 because it
  // holds a NaN or an infinity.
  std::vector<Product> products;
  std::vector<std::string> not_finite;  // the checkpoint's tensors that hold a NaN or an infinity
  std::vector<std::string> notices;     // as Model::notices(), about the source's files
};

// Writes `target` atomically: on any failure nothing is left and an older file stays as it was.
// Throws Error: what Model::load throws for the source, io for the target, unsupported for a type,
// invalid_argument where `target` is a file of the source (by another name or a link, too) or would
// be taken for its weights; the source is never changed.
SAPWOOD_API ConvertReport convert(const std::filesystem::path& source,
                                  const std::filesystem::path& target,
                                  const ConvertOptions& options = {});

}  // namespace sapwood
