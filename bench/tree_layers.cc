#include "tree_layers.h"

#include <cmath>
#include <cstring>

#include "sapwood/kernels/pack.h"

namespace sapwood::bench {

using namespace kernels;

namespace {

std::size_t rows_of(int tokens, int cols) {
  return static_cast<std::size_t>(tokens) * static_cast<std::size_t>(cols);
}

Panels random_panels(DType type, int n, int k, int seed) {
  if (n == 0 || k == 0) return {Buffer(1), {}, {}};
  Buffer w(rows_of(n, k));
  fill_random(w.data(), rows_of(n, k), 1.0f / std::sqrt(static_cast<float>(k)), seed);
  return pack(type, w.data(), n, k);
}

}  // namespace

TreeLayers::TreeLayers(DType type, int cols, const FeedForwardShape& shape)
    : type_(type),
      cols_(cols),
      shape_(shape),
      pool_(rows_of(kPoolTokens, cols)),
      x_(rows_of(kMostTokens, cols)),
      narrow_x_(floats_of(static_cast<std::int64_t>(rows_of(kMostTokens, cols)), type)),
      attention_(rows_of(kMostTokens, 4 * cols)),
      hidden_(rows_of(kMostTokens, std::max(shape.width, 64))),
      narrow_hidden_(hidden_.size()),
      y_(rows_of(kMostTokens, cols)),
      scratch_(fff_scratch(kMostTokens, shape.depth) / sizeof(float)),
      bias_(static_cast<std::size_t>(std::max(4 * cols, shape.width))),
      scales_(kMostTokens),
      hidden_scales_(kMostTokens) {
  fill_random(pool_.data(), pool_.size(), 1.0f, 99);
  for (int i = 0; i < kLayers; ++i) layers_.push_back(make_layer(10 * i));
}

TreeLayers::Layer TreeLayers::make_layer(int seed) const {
  const std::int64_t nodes = shape_.trees * fff_nodes(shape_.depth);
  const std::int64_t bytes = packed_fff_bytes(shape_.trees, shape_.depth, cols_, type_, type_);
  Layer layer{random_panels(type_, 4 * cols_, cols_, seed + 1),
              random_panels(type_, shape_.width, cols_, seed + 2),
              random_panels(type_, cols_, shape_.width, seed + 3),
              Buffer(std::max<std::size_t>(1, static_cast<std::size_t>(bytes) / sizeof(float))),
              std::vector<FffNode>(static_cast<std::size_t>(nodes))};
  if (shape_.trees == 0) return layer;
  Buffer in(static_cast<std::size_t>(nodes * cols_)), out(in.size()),
      bias(static_cast<std::size_t>(nodes));
  fill_random(in.data(), in.size(), 1.0f / std::sqrt(static_cast<float>(cols_)), seed + 4);
  fill_random(out.data(), out.size(), 0.05f, seed + 5);
  fill_random(bias.data(), bias.size(), 0.1f, seed + 6);
  pack_fff({in.data(), out.data(), bias.data(), shape_.trees, shape_.depth, cols_, type_, type_},
           layer.nodes.data(), layer.params.data());
  return layer;
}

void TreeLayers::draw(int tokens) {
  if (next_token_ + tokens > kPoolTokens) next_token_ = 0;
  std::memcpy(x_.data(), pool_.data() + rows_of(next_token_, cols_),
              rows_of(tokens, cols_) * sizeof(float));
  next_token_ += tokens;
}

void TreeLayers::product(const KernelTable& table, int tokens, const Product& p) {
  linear(table, type_,
         {.x = p.x,
          .x_stride = p.k,
          .x_scales = p.x == narrow_x_.data() ? scales_.data() : hidden_scales_.data(),
          .panels = p.w.weights.data(),
          .scales = p.w.scales.data(),
          .sums = p.w.sums.data(),
          .bias = bias_.data(),
          .y = p.y,
          .y_stride = p.n,
          .y_type = p.y_type,
          .m = tokens,
          .n = p.n,
          .k = p.k,
          .activation = p.activation,
          .panel_begin = 0,
          .panel_end = static_cast<int>(round_up(p.n, kPanelWidth) / kPanelWidth)});
}

void TreeLayers::dense(const KernelTable& table, const Layer& layer, int tokens) {
  // As in the engine: bf16 products write bf16; int8 ones floats, which are quantised for the next.
  const bool bf16 = type_ == DType::bf16;
  void* const hidden = bf16 ? narrow_hidden_.data() : hidden_.data();
  product(table, tokens,
          {narrow_x_.data(), cols_, layer.up, shape_.width, Activation::gelu, hidden,
           bf16 ? type_ : DType::f32});
  if (type_ == DType::int8) {
    narrow(table, type_,
           {hidden_.data(), tokens, shape_.width, narrow_hidden_.data(), hidden_scales_.data()});
  }
  product(table, tokens,
          {type_ == DType::f32 ? hidden_.data() : narrow_hidden_.data(), shape_.width, layer.down,
           cols_, Activation::none, y_.data(), DType::f32});
}

void TreeLayers::trees(const KernelTable& table, const Layer& layer, int tokens) {
  fff(table, type_,
      {.x = narrow_x_.data(),
       .x_stride = cols_,
       .x_scales = type_ == DType::int8 ? scales_.data() : nullptr,
       .residual = shape_.width > 0 ? y_.data() : nullptr,
       .residual_stride = cols_,
       .nodes = layer.nodes.data(),
       .params = layer.params.data(),
       .y = y_.data(),
       .y_stride = cols_,
       .scratch = scratch_.data(),
       .rows = tokens,
       .cols = cols_,
       .trees = shape_.trees,
       .depth = shape_.depth,
       .decision_type = type_,
       .out_type = type_});
}

void TreeLayers::run(const KernelTable& table, int tokens) {
  for (const Layer& layer : layers_) {
    narrow(table, type_, {x_.data(), tokens, cols_, narrow_x_.data(), scales_.data()});
    product(table, tokens,
            {narrow_x_.data(), cols_, layer.attention, 4 * cols_, Activation::none,
             attention_.data(), DType::f32});
    if (shape_.width > 0) dense(table, layer, tokens);
    if (shape_.trees > 0) trees(table, layer, tokens);
  }
}

}  // namespace sapwood::bench
