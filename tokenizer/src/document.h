// A tokenizer.json taken apart: the document, and the vocabulary that stands in it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "vocabulary.h"

namespace sapwood {

struct TokenizerDocument {
  JsonDocument json;
  std::vector<VocabularyEntry> vocabulary;  // refers to the document, or to text the caller holds
};

// `where` is what messages call it. Error malformed: not JSON, no vocabulary, an id that is no whole
// number.
TokenizerDocument read_tokenizer_json(std::string text, std::string where);

// The document as text from which it can be read again: without the vocabulary and with the member
// "sapwood" of its model as given (JSON, or empty: none). The model comes last and its closing braces
// are left out, so that with_vocabulary can end it.
std::string open_document(const JsonDocument& json, std::string_view sapwood);

// What open_document left open, ended with these tokens as its vocabulary.
std::string with_vocabulary(std::string open_document, const std::vector<VocabularyEntry>& tokens);

}  // namespace sapwood
