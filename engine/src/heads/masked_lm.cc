// Logits over the vocabulary for the masks of a text: what fill_mask answers from (tasks/fill_mask.cc).
#include "heads/transform.h"

namespace sapwood::heads::masked_lm {
namespace {

void tensors(Table& table, const ModelConfig& config, const HeadClass& names,
             const std::string& prefix) {
  const std::int64_t width = config.head_transform ? config.head_width : config.hidden;
  if (config.head_transform) transform_tensors(table, config, names, prefix);
  const std::string output(names.output);
  const std::string weight = config.tied_decoder
                                 ? prefix + std::string(family_of(config).word_embedding)
                                 : output + ".weight";
  // Of two biases the decoder's own counts (settle_decoder).
  Names bias = {output + ".bias"};
  if (!names.output_bias.empty()) bias.emplace_back(names.output_bias);
  table.linear("head.decoder", {{weight}},
               config.decoder_bias ? std::vector<Names>{bias} : std::vector<Names>{},
               config.vocab_size, width);
}

ValueId nodes(GraphBuilder& build, ValueId hidden) {
  const ModelConfig& config = build.config();
  // The vocabulary's product runs for the masks alone.
  ValueId x = build.selected_rows("head.selected", hidden);
  if (config.head_transform) x = transform(build, x);
  return build.linear("head.decoder", x, config.vocab_size);
}

}  // namespace

extern const Head kHead = {.kind = HeadKind::masked_lm,
                           .class_name = "...ForMaskedLM",
                           .tensors = tensors,
                           .nodes = nodes,
                           .resolve_labels = nullptr};

}  // namespace sapwood::heads::masked_lm
