// What goes into a run and what comes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sapwood {

// Token ids of one text, special tokens included.
struct Sequence {
  std::span<const std::int32_t> ids;
  std::span<const std::int32_t> type_ids = {};  // empty: all zero
  // Rows that the masked-LM head answers for, ascending; unused by other heads.
  std::span<const std::int32_t> selected = {};
};

// Row-major floats, valid as long as the function that gives them says: during a callback, or until the next run.
struct MatrixView {
  const float* data;
  int rows, cols;
  std::span<const float> row(int i) const {
    return {data + static_cast<std::size_t>(i) * cols, static_cast<std::size_t>(cols)};
  }
};

enum class Output : std::uint8_t {
  hidden,  // last hidden state: [tokens, hidden]
  head,    // logits. sequence_classification: [1, labels]; token_classification: [tokens, labels];
           // question_answering: [tokens, 2] (start, end); masked_lm: [selected, vocabulary];
           // replaced_token_detection: [tokens, 1]
};

}  // namespace sapwood
