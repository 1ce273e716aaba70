// What holds of every encoding.
#pragma once

#include <string>

#include "sapwood/tokenizer/tokenizer.h"
#include "sapwood/utf8.h"
#include "target.h"

namespace sapwood::fuzz {

inline bool same(const Encoding& a, const Encoding& b) {
  return a.ids == b.ids && a.type_ids == b.type_ids && a.offsets == b.offsets &&
         a.special_tokens_mask == b.special_tokens_mask && a.word_ids == b.word_ids &&
         a.sequence_ids == b.sequence_ids && a.truncated == b.truncated;
}

inline void check_encoding(const Tokenizer& tokenizer, const Encoding& encoding,
                           std::string_view text, std::string_view pair = {}) {
  const std::size_t size = encoding.size();
  require(encoding.type_ids.size() == size && encoding.offsets.size() == size &&
              encoding.special_tokens_mask.size() == size && encoding.word_ids.size() == size &&
              encoding.sequence_ids.size() == size,
          "vectors of different sizes");
  const auto length = static_cast<std::int32_t>(utf8::count(text));
  const auto pair_length = static_cast<std::int32_t>(utf8::count(pair));
  for (std::size_t i = 0; i < size; ++i) {
    require(encoding.ids[i] >= 0 && encoding.ids[i] < tokenizer.vocab_size(), "an id beyond all");
    const Offsets range = encoding.offsets[i];
    const std::int32_t end = encoding.sequence_ids[i] == 1 ? pair_length : length;
    require(range.start >= 0 && range.start <= range.end && range.end <= end,
            "a range outside the text");
  }
}

}  // namespace sapwood::fuzz
