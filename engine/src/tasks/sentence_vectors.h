// From the hidden states of a text to its one vector: what sentence-transformers' modules behind the Transformer do.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "sapwood/kernels/kernels.h"
#include "sapwood/tasks.h"

namespace sapwood::tasks {

class SentenceVectors {
 public:
  // As the model's files have it, but for what the options change. Throws Error: unsupported where the files ask for what is
  // not computed (unless a pooling is given), invalid_argument where the options do not fit the model.
  SentenceVectors(const Model& model, const EmbedOptions& options);

  // There is no vector of the text, but one of each token.
  bool per_token() const noexcept { return poolings_.empty(); }
  // Numbers of a vector: of the text, or of a token.
  int width() const noexcept { return width_; }
  // Numbers of the memory that make() wants; 0 where it writes its result at once.
  std::size_t scratch() const noexcept { return scratch_; }

  // The vectors of its tokens. rows: [tokens, hidden]; to: [tokens, width()].
  void make_tokens(const MatrixView& rows, std::span<float> to) const;
  // The vector of a text, of which the first `skip` tokens are not pooled. rows: [tokens, hidden]; to: [width()].
  void make(const MatrixView& rows, int skip, std::span<float> scratch, std::span<float> to) const;

 private:
  // A module, with its weights, which belong to the model.
  struct Step {
    VectorModule module;
    const void* weight = nullptr;
    const float* bias = nullptr;
    const void* residual = nullptr;
  };

  void add_step(const Model& model, const VectorModule& module, const std::string& name);
  void pool_into(const MatrixView& rows, int skip, std::span<float> to) const;
  // x: [rows, in], y: [rows, out]
  void apply(const Step& step, int rows, std::span<const float> x, std::span<float> y) const;

  const kernels::KernelTable* kernels_;
  int hidden_;
  std::vector<PoolingMode> poolings_;
  std::vector<Step> steps_;
  bool normalize_ = false;      // at the end of the modules
  bool normalize_cut_ = false;  // after a vector was cut
  int width_ = 0;
  int widest_ = 0;  // of the vectors between the modules
  std::size_t scratch_ = 0;
};

}  // namespace sapwood::tasks
