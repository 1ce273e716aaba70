// The feedforward layers that bench_cmm times, in one precision: CMM, ours dense, oneDNN's.
#pragma once

#include <memory>
#include <vector>

#include "onednn.h"
#include "sapwood/kernels/dispatch.h"
#include "types.h"

namespace sapwood::bench {

inline constexpr int kCols = 768, kDepth = 11, kNodes = 4095, kHidden = 4096, kLayers = 16;
inline constexpr int kMostTokens = 16384;

struct Layer {
  Buffer in, out;  // [4095, 768] and [768, 4095] as in a checkpoint
  Buffer nodes;    // CMM
  std::vector<kernels::FffNode> params;
  Panels up, down;                // ours, dense
  Buffer bias;                    // [4096]
  Buffer onednn_up, onednn_down;  // oneDNN's layouts for the token count prepared last
};

// Sixteen layers of one type, and tokens for them.
class Layers {
 public:
  explicit Layers(kernels::DType type);

  // Fresh tokens in x, and the layer to use: always the first, or each in turn.
  Layer& draw(int tokens, bool cold);

  void cmm(const kernels::KernelTable& table, const Layer& layer, int tokens, float* y);
  void dense(const Layer& layer, int tokens);
  // oneDNN chooses layouts by shape: the layers are packed again where the number of tokens
  // changes. False where oneDNN has no such products for this processor.
  bool prepare_onednn(int tokens);
  void onednn(const Layer& layer);

  // CMM against the scalar table, dense against oneDNN (int8 has fixed scales there, and is not
  // compared). Ends the program where they differ.
  void compare(int tokens);

  // The nodes of a layer that so many tokens visit, counted over some draws.
  double distinct_nodes(int tokens);

  const kernels::KernelTable& table;
  const kernels::DType type;
  Buffer y;

 private:
  // The first product goes up to the hidden layer with GELU, the second comes down.
  void product(const void* x, const Layer& layer, bool first, int tokens, void* out,
               kernels::DType out_type);

  std::vector<Layer> layers_;
  Buffer pool_, narrow_pool_, x_, reference_, hidden_, narrow_hidden_, onednn_hidden_, scratch_;
  std::vector<kernels::RowScale> pool_scales_, x_scales_, hidden_scales_;
  std::unique_ptr<OnednnProduct> onednn_up_, onednn_down_;
  int onednn_tokens_ = 0, next_token_ = 0, next_layer_ = 0;
};

}  // namespace sapwood::bench
