// From WordPiece tokens back to text.
#pragma once

#include <span>
#include <string>

#include "sapwood/export.h"

namespace sapwood {

// The decoder of tokenizer.json: a token that begins with the prefix goes on with the word before
// it, every other one begins a word.
struct WordPieceDecoder {
  std::string prefix = "##";
  bool cleanup = true;  // clean_up_word on every word

  SAPWOOD_API std::string join(std::span<const std::string> tokens) const;
};

// Both take out the spaces that tokenizing put around punctuation and English contractions.

// The decoder's list, meant for one word with the space before it.
SAPWOOD_API void clean_up_word(std::string& word);

// transformers' clean_up_tokenization, for a whole text: the same without "do not".
SAPWOOD_API void clean_up_text(std::string& text);

}  // namespace sapwood
