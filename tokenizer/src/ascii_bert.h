// WordPiece's shortcut: BERT's normalizer and pre-tokenizer in one pass over ASCII.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "normalizer.h"
#include "subword_model.h"
#include "wordpiece.h"

namespace sapwood {

class AsciiBert final : public Shortcut {
 public:
  AsciiBert(const BertNormalizerOptions& options, const WordPiece& model);

  // White space of ASCII is a boundary for every step of BERT's normalizer and pre-tokenizer, so that
  // the chunks between it can be taken one by one.
  Range tokenize(std::string_view text, std::size_t at, Progress& progress,
                 Call& call) const override;

 private:
  // Tokenizes the chunk of `text` at `at`: up to the next space, tab or line end, or the end of the
  // text. Returns the end of the chunk; or `at` itself, with nothing changed, where the chunk holds a
  // byte that this shortcut does not know (not ASCII, or a control character).
  std::size_t chunk(std::string_view text, std::size_t at, Progress& progress) const;

  // Words up to this length are looked up whole while they are read; it is more than any English word
  // and less than every limit on the characters of a word that is in use.
  static constexpr std::size_t kMostLetters = 64;

  // A word of letters and digits.
  struct Letters {
    std::size_t size;  // how many were read, at most kMostLetters; the word may have more
    uint64_t hash;     // of those, normalized
    std::size_t end;   // of the word in the text
  };

  // Reads the word at `at`; `normalized` has room for kMostLetters.
  Letters read_letters(std::string_view text, std::size_t at, char* normalized) const;
  std::string mapped(std::string_view word) const;

  enum Kind : uint8_t { kWord, kPunct, kSpace, kOther };
  const WordPiece& model_;
  uint8_t kind_[256];
  char map_[256];  // lowercase, or the byte itself
};

}  // namespace sapwood
