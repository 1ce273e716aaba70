// From a Hugging Face directory to one packed file that is mapped at load.
#pragma once

#include <filesystem>
#include <string>

namespace sapwood {

struct ConvertOptions {
  std::string dtype = "f32";  // of the packed weights: f32, bf16 or int8
  // Type of the rows that fast feedforward decides by, where it shall be finer than dtype; "": the
  // same.
  std::string decisions;
};

// Writes `target` atomically: on any failure nothing is left and an older file stays as it was.
// Throws Error: what Model::load throws for the source, io for the target, unsupported for the
// dtype.
void convert(const std::filesystem::path& source, const std::filesystem::path& target,
             const ConvertOptions& options = {});

}  // namespace sapwood
