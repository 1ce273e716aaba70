// The first layer's feedforward part alone, for measuring it: dense products or trees, with what
// narrows their inputs. `sapwood bench --layer ffn` times it.
#pragma once

#include <memory>
#include <span>

#include "sapwood/model.h"

namespace sapwood {

class FeedForward {
 public:
  // Throws Error unsupported where the model has no layer, out_of_memory.
  explicit FeedForward(const Model& model);
  ~FeedForward();
  FeedForward(const FeedForward&) = delete;
  FeedForward& operator=(const FeedForward&) = delete;

  int cols() const noexcept;       // numbers a row: the model's hidden size
  int most_rows() const noexcept;  // LoadOptions::batch_tokens

  // The activations of the next run, [rows, cols()], copied to where the layer before would have
  // written them. Throws Error invalid_argument where they are no whole rows or too many.
  void load(std::span<const float> x);
  // Computes the layer for what was loaded; each run needs a load of its own. Returns
  // [rows, cols()], valid until the next load.
  MatrixView run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sapwood
