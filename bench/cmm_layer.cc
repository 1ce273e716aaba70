#include "cmm_layer.h"

#include <cstring>

#include "sapwood/kernels/pack.h"

namespace sapwood::bench {

using namespace kernels;

namespace {

constexpr std::size_t kSize = std::size_t{kNodes} * kCols;

Layer make_layer(DType type, int seed) {
  Buffer in(kSize), out(kSize), bias(kHidden);
  fill_random(in.data(), kSize, 0.036f, seed);
  fill_random(out.data(), kSize, 0.036f, seed + 1);
  fill_random(bias.data(), kNodes, 0.1f, seed + 2);
  Buffer nodes(packed_fff_bytes(1, kDepth, kCols, type, type) / sizeof(float));
  std::vector<FffNode> params(kNodes);
  pack_fff({in.data(), out.data(), bias.data(), 1, kDepth, kCols, type, type}, nodes.data(),
           params.data());
  Panels up = pack(type, in.data(), kNodes, kCols), down = pack(type, out.data(), kCols, kNodes);
  const std::size_t room = floats_of(kSize * 5 / 4, type);
  return {std::move(in),   std::move(out),  std::move(nodes), std::move(params), std::move(up),
          std::move(down), std::move(bias), Buffer(room),     Buffer(room)};
}

constexpr std::size_t all_tokens(int width) { return std::size_t{kMostTokens} * width; }

}  // namespace

Layers::Layers(DType decision_type)
    : table(*select_table("auto")),
      type(decision_type),
      y(all_tokens(kCols)),
      pool_(all_tokens(kCols)),
      narrow_pool_(floats_of(all_tokens(kCols), type)),
      x_(floats_of(all_tokens(kCols), type)),
      reference_(all_tokens(kCols)),
      hidden_(all_tokens(kHidden)),
      narrow_hidden_(floats_of(all_tokens(kHidden), type)),
      onednn_hidden_(floats_of(all_tokens(kHidden), type)),
      scratch_(fff_scratch(kMostTokens, kDepth) / sizeof(float)),
      pool_scales_(kMostTokens),
      x_scales_(kMostTokens),
      hidden_scales_(kMostTokens) {
  for (int i = 0; i < kLayers; ++i) layers_.push_back(make_layer(type, 3 * i + 1));
  fill_random(pool_.data(), pool_.size(), 1.0f, 99);
  narrow(table, type, {pool_.data(), kMostTokens, kCols, narrow_pool_.data(), pool_scales_.data()});
}

Layer& Layers::draw(int tokens, bool cold) {
  if (next_token_ + tokens > kMostTokens) next_token_ = 0;
  const std::size_t row = static_cast<std::size_t>(kCols * element_bytes(type));
  std::memcpy(x_.data(),
              reinterpret_cast<const std::byte*>(narrow_pool_.data()) + row * next_token_,
              row * tokens);
  std::copy_n(pool_scales_.begin() + next_token_, tokens, x_scales_.begin());
  next_token_ += tokens;
  if (!cold) return layers_[0];
  next_layer_ = (next_layer_ + 1) % kLayers;
  return layers_[next_layer_];
}

void Layers::cmm(const KernelTable& with, const Layer& layer, int tokens, float* out) {
  fff(with, type,
      {.x = x_.data(),
       .x_stride = kCols,
       .x_scales = x_scales_.data(),
       .residual = nullptr,
       .residual_stride = 0,
       .nodes = layer.nodes.data(),
       .params = layer.params.data(),
       .y = out,
       .y_stride = kCols,
       .scratch = scratch_.data(),
       .rows = tokens,
       .cols = kCols,
       .trees = 1,
       .depth = kDepth,
       .decision_type = type,
       .out_type = type});
}

void Layers::dense(const Layer& layer, int tokens) {
  // bf16 products write bf16; int8 ones floats, which are quantised for the next.
  void* const hidden = type == DType::bf16 ? narrow_hidden_.data() : hidden_.data();
  product(x_.data(), layer, true, tokens, hidden, type == DType::bf16 ? type : DType::f32);
  if (type == DType::int8) {
    // The rows' last element, beyond the nodes, is and stays zero.
    table.quantize({hidden_.data(), reinterpret_cast<std::uint8_t*>(narrow_hidden_.data()), kHidden,
                    hidden_scales_.data(), tokens, kHidden});
  }
  product(type == DType::f32 ? hidden_.data() : narrow_hidden_.data(), layer, false, tokens,
          y.data(), DType::f32);
}

void Layers::product(const void* x, const Layer& layer, bool first, int tokens, void* out,
                     DType out_type) {
  const Panels& panels = first ? layer.up : layer.down;
  const int n = first ? kNodes : kCols;
  linear(table, type,
         {.x = x,
          .x_stride = first ? kCols : kHidden,
          .x_scales = first ? x_scales_.data() : hidden_scales_.data(),
          .panels = panels.weights.data(),
          .scales = panels.scales.data(),
          .sums = panels.sums.data(),
          .bias = first ? layer.bias.data() : nullptr,
          .y = out,
          .y_stride = first ? kHidden : kCols,
          .y_type = out_type,
          .m = tokens,
          .n = n,
          .k = first ? kCols : kNodes,
          .activation = first ? Activation::gelu : Activation::none,
          .panel_begin = 0,
          .panel_end = static_cast<int>(round_up(n, kPanelWidth) / kPanelWidth)});
}

bool Layers::prepare_onednn(int tokens) {
  if (onednn_tokens_ == tokens) return onednn_up_ != nullptr;
  onednn_tokens_ = tokens;
  onednn_up_ = OnednnProduct::make(type, {tokens, kNodes, kCols, true, true});
  onednn_down_ = OnednnProduct::make(type, {tokens, kCols, kNodes, false, false});
  if (onednn_up_ == nullptr || onednn_down_ == nullptr) {
    onednn_up_.reset();
    return false;
  }
  for (Layer& layer : layers_) {
    require(onednn_up_->weight_bytes() <= layer.onednn_up.size() * 4 &&
                onednn_down_->weight_bytes() <= layer.onednn_down.size() * 4,
            "oneDNN's packed weights are larger than expected");
    onednn_up_->pack(layer.in.data(), layer.onednn_up.data());
    onednn_down_->pack(layer.out.data(), layer.onednn_down.data());
  }
  return true;
}

void Layers::onednn(const Layer& layer) {
  static const std::vector<float> zeros(kCols);
  onednn_up_->run(x_.data(), layer.onednn_up.data(), layer.bias.data(), onednn_hidden_.data());
  onednn_down_->run(onednn_hidden_.data(), layer.onednn_down.data(), zeros.data(), y.data());
}

void Layers::compare(int tokens) {
  const Layer& layer = draw(tokens, true);
  cmm(table, layer, tokens, y.data());
  cmm(*find_table(Isa::scalar), layer, tokens, reference_.data());
  // A decision that rounding turns gives other values in a whole row: few rows may differ.
  int different = 0;
  for (int i = 0; i < tokens; ++i) {
    const std::size_t at = std::size_t(i) * kCols;
    different += largest_error(y.data() + at, reference_.data() + at, kCols) > 1e-5;
  }
  require(different <= tokens / 500, "CMM differs from the scalar table");
  if (type == DType::int8 || !prepare_onednn(tokens)) return;
  onednn(layer);
  std::memcpy(reference_.data(), y.data(), sizeof(float) * kCols * tokens);
  dense(layer, tokens);
  require(largest_error(y.data(), reference_.data(), std::size_t(tokens) * kCols) <
              (type == DType::f32 ? 1e-4 : 2e-2),
          "the dense layer differs from oneDNN's");
}

double Layers::distinct_nodes(int tokens) {
  const int draws = tokens < 64 ? 64 / tokens : 1;
  std::int64_t distinct = 0;
  for (int d = 0; d < draws; ++d) {
    std::vector<bool> visited(kNodes);
    for (int token = d * tokens; token < (d + 1) * tokens; ++token) {
      const float* x = pool_.data() + std::size_t(token) * kCols;
      for (int node = 0; node < kNodes;) {
        visited[node] = true;
        float z = layers_[0].bias.data()[node];
        const float* w = layers_[0].in.data() + std::size_t(node) * kCols;
        for (int j = 0; j < kCols; ++j) z += x[j] * w[j];
        node = 2 * node + 1 + (z > 0.0f);
      }
    }
    distinct += std::count(visited.begin(), visited.end(), true);
  }
  return static_cast<double>(distinct) / draws;
}

}  // namespace sapwood::bench
