// A dense product computed by oneDNN instead of our kernels, on request (LoadOptions::dense).
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "sapwood/kernels/kernels.h"

namespace sapwood {

// The memory that products of one run on one thread work in; grows to what the largest needs.
struct OnednnScratch {
  std::vector<std::byte> scratchpad;
  std::vector<float> floats;
};

class OnednnProduct {
 public:
  // Copies the weights of `args` (panels, scales, sums, bias, activation, n, k; of type `type`)
  // into oneDNN's layout, cut into at most `parts` parts of columns for as many threads. Throws
  // Error unsupported where this build has no oneDNN, or oneDNN no such product for this processor
  // that is exact: int8 sums saturate there without VNNI.
  OnednnProduct(const kernels::LinearArgs& args, kernels::DType type, int parts,
                const kernels::KernelTable& kernels);
  ~OnednnProduct();
  OnednnProduct(const OnednnProduct&) = delete;
  OnednnProduct& operator=(const OnednnProduct&) = delete;

  int parts() const;

  // The part's columns of y for args.m rows of x (x, x_stride, x_scales, y, y_stride, y_type), on
  // the calling thread. Safe to call from many threads at once, each with a scratch of its own. How
  // a row is summed may depend on m. False where memory ran out: y then holds nothing of use.
  bool run(const kernels::LinearArgs& args, int part, OnednnScratch& scratch) const noexcept;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

// Whether this build has oneDNN and the processor multiplies int8 matrices (AMX), which our kernels
// do not use.
bool onednn_has_amx_int8();

}  // namespace sapwood
