// The fast path: BERT's normaliser and pre-tokeniser in one pass over ASCII.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "normalizer.h"
#include "post_processor.h"
#include "wordpiece.h"

namespace sapwood {

class AsciiBert {
 public:
  explicit AsciiBert(const BertNormalizerOptions& options);

  // Tokenises the chunk of `text` at `at`: up to the next space, tab or line end, or the end of the
  // text. Returns the end of the chunk; or `at` itself, with nothing added to `out`, where the
  // chunk holds a byte that this path does not know (not ASCII, or a control character).
  // `code_point`: position of text[at] in the caller's text. `word`: the running number of words.
  std::size_t chunk(std::string_view text, std::size_t at, uint32_t code_point,
                    const WordPiece& model, int32_t& word, Tokens& out) const;

  // The first byte from `at` on that is not space, tab or line end.
  static std::size_t skip_space(std::string_view text, std::size_t at) noexcept;
  // The next space, tab or line end from `at` on, or the end.
  static std::size_t chunk_end(std::string_view text, std::size_t at) noexcept;

 private:
  enum Kind : uint8_t { kWord, kPunct, kSpace, kOther };
  uint8_t kind_[256];
  char map_[256];  // lowercase, or the byte itself

  std::string mapped(std::string_view word) const;
};

}  // namespace sapwood
