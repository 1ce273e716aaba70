// The model of a tokenizer: it cuts a word into tokens. README.md in this folder's parent says how to
// add one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "call.h"
#include "document.h"
#include "normalizer.h"
#include "pre_tokenizer.h"
#include "vocabulary.h"

namespace sapwood {

// One word on its way through a model: characters of a normalized Text, each with the range of the
// caller's text that it stands for. The model appends the word's tokens from left to right.
class SAPWOOD_LOCAL Word {
 public:
  // `range` is not empty. `number` is that of the word in the caller's text.
  Word(const Text& text, Range range, int32_t number, Call& call, Tokens& out) noexcept
      : text_(text), range_(range), number_(number), call_(call), out_(out), before_(out.size()) {}

  std::size_t characters() const noexcept { return range_.end - range_.begin; }

  // The word in UTF-8. The view is valid until the model has returned; a model asks for it once.
  std::string_view utf8();

  // The same as characters; a model may ask for it at any time.
  std::u32string_view text() const noexcept {
    return std::u32string_view(text_.chars).substr(range_.begin, characters());
  }

  // Appends a token for the bytes [begin, end) of utf8(), which are at least one. Several tokens may
  // stand for the same bytes; bytes inside a character stand for all of it.
  void push(int32_t id, std::size_t begin, std::size_t end) {
    out_.push(id, span(begin, end), number_);
  }
  // The same for a token that shows other text than the vocabulary has for its id.
  void push(int32_t id, std::size_t begin, std::size_t end, std::string_view shown) {
    out_.push(id, span(begin, end), number_, shown);
  }

  // The same for the characters [begin, end) of text().
  void push_characters(int32_t id, std::size_t begin, std::size_t end) {
    out_.push(id, character_span(begin, end), number_);
  }
  void push_characters(int32_t id, std::size_t begin, std::size_t end, std::string_view shown) {
    out_.push(id, character_span(begin, end), number_, shown);
  }

  // One token for the whole word, in place of those that it has so far.
  void replace(int32_t id) {
    out_.truncate(before_);
    out_.push(id, character_span(0, characters()), number_);
  }

  // The storage in which a model works belongs to EncodeScratch::Buffers, as that of every step.
  EncodeScratch::Buffers& scratch() noexcept { return call_.scratch; }

 private:
  Span character_span(std::size_t begin, std::size_t end) const {
    return {text_.spans[range_.begin + begin].start, text_.spans[range_.begin + end - 1].end};
  }
  Span span(std::size_t begin, std::size_t end) const {
    const std::vector<uint32_t>& char_at = call_.scratch.char_at;
    return character_span(char_at[begin], char_at[end - 1] + std::size_t{1});
  }

  const Text& text_;
  Range range_;
  int32_t number_;
  Call& call_;
  Tokens& out_;
  std::size_t before_;
};

// How far the tokenizing of one text has come.
struct Progress {
  Tokens& out;
  std::size_t limit;        // more tokens than that are not wanted
  uint32_t code_point = 0;  // position in the caller's text
  int32_t word = 0;         // number of the next word

  bool full() const noexcept { return out.size() > limit; }
};

// A model's own way through plain text, past normalizer and pre-tokenizer, to the same answer.
class Shortcut {
 public:
  virtual ~Shortcut() = default;

  // Tokenizes `text` from the byte `at` on. Stops where the text ends, where the progress is full, and
  // before a piece that it leaves to the steps that it passes by. Returns that piece, in bytes, or
  // the empty range at which it stopped; `progress` stands at its beginning.
  virtual Range tokenize(std::string_view text, std::size_t at, Progress& progress,
                         Call& call) const = 0;

  // Whether the text that it takes is as the normalizer would leave it, and ends, where it leaves a
  // piece, before a space that follows something else. It then works beside added tokens that are
  // looked for in normalized text.
  virtual bool keeps_text() const noexcept { return false; }
};

// Made once from a tokenizer.json, then used by any number of threads at once.
class SubwordModel {
 public:
  virtual ~SubwordModel() = default;
  SubwordModel(const SubwordModel&) = delete;
  SubwordModel& operator=(const SubwordModel&) = delete;

  const Vocabulary& vocabulary() const noexcept { return vocabulary_; }

  // What stands for text that no token has, where the model has something for it.
  std::optional<int32_t> unk_id() const noexcept { return unk_id_; }

  // What the tokens begin with that continue a word ("##"); empty where nothing marks them.
  const std::string& continuing_prefix() const noexcept { return continuing_prefix_; }

  // Appends the tokens of one word of the pre-tokenizer, if it has any. Where a file allows bytes in
  // place of unknown characters, or one unknown token for several of them in a row, that is done
  // here. Throws Error unsupported for a word that the model has no token for and must have one.
  virtual void tokenize(Word& word) const = 0;

  // The model's shortcut for text of these steps, each of which may be null; null where it has none.
  // The shortcut refers to the model.
  virtual std::unique_ptr<const Shortcut> shortcut(const Normalizer*, const PreTokenizer*) const {
    return nullptr;
  }

  // Whether write_tables writes this member of tokenizer.json's "model".
  virtual bool is_table(std::string_view key) const noexcept { return key == "vocab"; }

  // Writes the members of tokenizer.json's "model" that hold the vocabulary and other tables; at
  // least one. With `tables`, what has a simpler form as a table goes there instead.
  virtual void write_tables(JsonWriter& model, std::vector<Tokenizer::Table>* tables) const {
    write_vocabulary(vocabulary_, model, tables);
  }

 protected:
  SubwordModel(Vocabulary vocabulary, std::optional<int32_t> unk_id, std::string continuing_prefix)
      : vocabulary_(std::move(vocabulary)),
        continuing_prefix_(std::move(continuing_prefix)),
        unk_id_(unk_id) {}

 private:
  Vocabulary vocabulary_;
  std::string continuing_prefix_;
  std::optional<int32_t> unk_id_;
};

// The model of a document, by its "type". May take the document's vocabulary. Throws Error unsupported
// for a type or a table that this version does not know, malformed for members that are missing or
// wrong.
std::unique_ptr<const SubwordModel> make_subword_model(TokenizerDocument& document);

// The "type" of a document whose model could be made: a literal.
std::string_view subword_model_type(const TokenizerDocument& document);

}  // namespace sapwood
