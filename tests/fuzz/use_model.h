// What a model that loaded must do.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "sapwood/inspect.h"
#include "sapwood/model.h"
#include "target.h"

namespace sapwood::fuzz {

// One thread, and as little memory as the model's own length asks for.
inline LoadOptions small_load() {
  LoadOptions options;
  options.batch_tokens = 1;
  return options;
}

// Runs the model over a few tokens, whose rows must be there and have the right size.
inline void use_model(const Model& model) {
  const ModelConfig& config = model.config();
  summarize(model);
  const std::vector<std::int32_t> ids{0, config.vocab_size - 1};
  const std::vector<std::int32_t> selected{0};
  std::vector<Sequence> sequences{{.ids = {ids.data(), 1}}};
  if (config.max_positions > 1) sequences.push_back({.ids = ids});
  const bool masked = config.head == HeadKind::masked_lm;
  if (masked) {
    for (Sequence& sequence : sequences) sequence.selected = selected;
  }
  // Longer texts want more memory than a fuzzer should take for each input.
  if (config.max_positions > 4096) return;
  for (const Output output : {Output::hidden, Output::head}) {
    std::size_t answers = 0;
    const bool ran = accepted([&] {
      model.run(sequences, output, [&](std::size_t, const MatrixView& rows) {
        ++answers;
        float sum = 0;
        for (int i = 0; i < rows.rows; ++i) {
          for (const float value : rows.row(i)) sum += value;
        }
        keep(sum);
      });
    });
    require(!ran || answers == sequences.size(), "a run that does not answer every sequence");
    require(ran || output == Output::head, "a model that loads and does not run");
  }
}

// Encodes with the model's own tokenizer: ids that its table has, or a refusal.
inline void use_tokenizer(const Model& model) {
  accepted([&] {
    const Encoding encoding = model.encode("a [MASK] b, c");
    // A static embedding's last row is of texts without tokens.
    const int size = std::max(model.tokenizer().vocab_size(), model.config().vocab_size);
    for (const std::int32_t id : encoding.ids) {
      require(id >= 0 && id < size, "an id beyond the vocabulary");
    }
    model.tokenizer().decode(encoding.ids);
  });
}

}  // namespace sapwood::fuzz
