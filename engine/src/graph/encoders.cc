#include "graph/encoders.h"

#include "weights/table.h"

namespace sapwood {
namespace {

using Normed = GraphBuilder::Normed;
using Sum = GraphBuilder::Sum;

// A block's norm is computed together with the sum before it: what goes in is the stream and what the first block
// reads, and what comes out likewise; after the last layer only `normed` counts.
Normed pre_norm_layer(GraphBuilder& build, Normed in, int i) {
  const ModelConfig& config = build.config();
  const ValueId attention = build.attention(in.normed, i);
  const Normed middle =
      build.residual_norm(layer_name(i, "ffn.norm"), attention, in.sum, Sum::kept);
  const ValueId inner = build.feed_forward(middle.normed, i);
  if (i + 1 < config.layers) {
    return build.residual_norm(layer_name(i + 1, "attention.norm"), inner, middle.sum, Sum::kept);
  }
  if (config.final_norm) return build.residual_norm("final_norm", inner, middle.sum);
  const ValueId sum = build.residual_sum(layer_name(i, "ffn.residual"), inner, middle.sum);
  return {.normed = sum, .sum = sum};
}

ValueId pre_norm_layers(GraphBuilder& build, Normed stream) {
  for (int i = 0; i < build.config().layers; ++i) stream = pre_norm_layer(build, stream, i);
  return stream.normed;
}

}  // namespace

ValueId post_norm_encoder(GraphBuilder& build) {
  ValueId x = build.embeddings();
  for (int i = 0; i < build.config().layers; ++i) {
    const ValueId attention = build.attention(x, i);
    x = build.residual_norm(layer_name(i, "attention.norm"), attention, x).normed;
    const ValueId inner = build.feed_forward(x, i);
    x = build.residual_norm(layer_name(i, "ffn.norm"), inner, x).normed;
  }
  return x;
}

ValueId pre_norm_encoder(GraphBuilder& build) {
  const ValueId embeddings = build.embeddings();
  const ValueId normed = build.norm("layers.0.attention.norm", embeddings);
  return pre_norm_layers(build, {.normed = normed, .sum = embeddings});
}

ValueId normed_pre_norm_encoder(GraphBuilder& build) {
  const ValueId embeddings = build.embeddings();
  return pre_norm_layers(build, {.normed = embeddings, .sum = embeddings});
}

}  // namespace sapwood
