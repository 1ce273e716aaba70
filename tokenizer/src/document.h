// What a tokenizer is made from, and how it is written again: a tokenizer.json, whose model may have
// tables outside of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "sapwood/named_buffer.h"
#include "sapwood/tokenizer/tokenizer.h"
#include "vocabulary.h"

namespace sapwood {

class SubwordModel;

struct TokenizerDocument {
  JsonDocument json;
  // Tokens that do not stand in the JSON; they refer to text that the caller holds.
  std::vector<VocabularyEntry> vocabulary = {};
  // Other tables of the model that do not stand in the JSON, by their names.
  std::vector<NamedBuffer> tables = {};
};

// The table with the vocabulary: the token of the id i in line i, from 0; empty where no token of a
// line has the id. Every line ends with "\n", and everything before that is the token's.
inline constexpr std::string_view kVocabularyTable = "vocabulary";

// The tokens of that table; they refer to `text`. Error malformed: not UTF-8, cut short.
std::vector<VocabularyEntry> read_lines(std::string_view text);

// The tokens of the document, for models whose "vocab" is an object of tokens and their ids. Takes
// those outside of the JSON with it. Error malformed: no such object, an id that is no whole number.
std::vector<VocabularyEntry> take_vocabulary(TokenizerDocument& document);

// The opposite of read_lines, and whether a token is one that a line cannot hold: such a token's line
// is empty.
std::string vocabulary_lines(const Vocabulary& vocabulary);
bool has_line_end(std::string_view token) noexcept;

// The opposite of take_vocabulary: writes the member "vocab" of a model. With `tables`, tokens that a line can hold go
// into the table there instead.
void write_vocabulary(const Vocabulary& vocabulary, JsonWriter& model,
                      std::vector<Tokenizer::Table>* tables);

// The document as text from which it can be read again: without the tables of its model and with the
// member "sapwood" of its model as given (JSON, or empty: none). The model comes last and its closing
// braces are left out, so that close_document can end it.
std::string open_document(const JsonDocument& json, const SubwordModel& model,
                          std::string_view sapwood);

// What open_document left open, ended with the model's tables, or with those that `tables` does not
// hold then.
std::string close_document(std::string open_document, const SubwordModel& model,
                           std::vector<Tokenizer::Table>* tables);

}  // namespace sapwood
