// Which kernels are fastest on this processor, measured.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace sapwood::cli {

// An instruction set's kernel of an operation: the time it takes over that of the fastest candidate, for each size.
struct Candidate {
  std::string set;  // "avx512"; "none": the operation of floats serves instead
  std::vector<double> ratios;
};

struct OperationTimes {
  std::string operation;   // "linear_bf16"
  std::vector<int> sizes;  // rows, or tokens of a sequence
  std::vector<Candidate> candidates;
  std::string chosen,
      wanted;  // the set that the processor's line takes, and the one that it should
};

// Times every kernel that this processor can run, of each operation of kernel_choices(); outputs are compared first.
// Times are medians of so many interleaved rounds.
// Throws Error mismatch where they differ.
std::vector<OperationTimes> time_operations(int rounds);

// Lines of the table of processors whose kernels are those wanted.
std::vector<std::string> lines_that_fit(const std::vector<OperationTimes>& operations);

std::string calibration_json(const std::vector<OperationTimes>& operations);
std::string calibration_text(const std::vector<OperationTimes>& operations);

}  // namespace sapwood::cli
