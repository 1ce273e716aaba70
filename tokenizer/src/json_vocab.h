// Takes the vocabulary out of a tokenizer.json: it is nearly all of the file, and reading it
// directly is ten times faster than building a JSON document of it.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "vocabulary.h"

namespace sapwood {

struct TokenizerFile {
  std::string document;  // the text with model.vocab emptied; not yet checked to be JSON
  std::vector<VocabularyEntry> vocabulary;  // refers to the text that was split, and to:
  std::list<std::string> unescaped;         // tokens that the text spells with escapes
};

// Error malformed for broken JSON in the vocabulary or on the way to it, and for nesting deeper
// than 64.
TokenizerFile split_tokenizer_json(std::string_view json);

}  // namespace sapwood
