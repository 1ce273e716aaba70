// Feedforward parts of several small trees beside dense ones, as the layers of an encoder run them: what bench_cmm's
// second table compares.
#pragma once

#include <vector>

#include "sapwood/kernels/dispatch.h"
#include "types.h"

namespace sapwood::bench {

// A feedforward part: trees, neurons that are always on, both or neither.
struct FeedForwardShape {
  const char* name;
  int trees, depth, width;
};
inline constexpr FeedForwardShape kFeedForwards[] = {
    {"none", 0, 0, 0},   {"d64", 0, 0, 64},     {"d256", 0, 0, 256},
    {"d512", 0, 0, 512}, {"d768", 0, 0, 768},   {"d1536", 0, 0, 1536},
    {"f8d7", 8, 7, 0},   {"f6d6+64", 6, 6, 64}, {"f16d7+64", 16, 7, 64},
};

// Six layers of one type and hidden size. Before each feedforward part stand the four products of attention, whose
// weights take the caches as they do in a model.
class TreeLayers {
 public:
  static constexpr int kLayers = 6;
  static constexpr int kMostTokens = 1024, kPoolTokens = 4096;

  TreeLayers(kernels::DType type, int cols, const FeedForwardShape& shape);

  // Fresh tokens for the next run.
  void draw(int tokens);
  void run(const kernels::KernelTable& table, int tokens);
  const Buffer& y() const { return y_; }

 private:
  struct Layer {
    Panels attention, up, down;
    Buffer nodes;
    std::vector<kernels::FffNode> params;
  };
  struct Product {
    const void* x;
    int k;
    const Panels& w;
    int n;
    kernels::Activation activation;
    void* y;
    kernels::DType y_type;
  };
  Layer make_layer(int seed) const;
  void product(const kernels::KernelTable& table, int tokens, const Product& p);
  void dense(const kernels::KernelTable& table, const Layer& layer, int tokens);
  void trees(const kernels::KernelTable& table, const Layer& layer, int tokens);

  const kernels::DType type_;
  const int cols_;
  const FeedForwardShape shape_;
  std::vector<Layer> layers_;
  Buffer pool_, x_, narrow_x_, attention_, hidden_, narrow_hidden_, y_, scratch_;
  std::vector<float> bias_;
  std::vector<kernels::RowScale> scales_, hidden_scales_;
  int next_token_ = 0;
};

}  // namespace sapwood::bench
