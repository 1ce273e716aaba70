// What a Tokenizer is made of.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "added_tokens.h"
#include "ascii_bert.h"
#include "json_vocab.h"
#include "normalizer.h"
#include "post_processor.h"
#include "pre_tokenizer.h"
#include "sapwood/tokenizer/tokenizer.h"
#include "sapwood/tokenizer/word_piece_decoder.h"
#include "wordpiece.h"

namespace sapwood {

struct SpecialIds {
  std::optional<int32_t> cls, sep, mask, pad, unk;
};

struct Tokenizer::Impl {
  explicit Impl(WordPiece wordpiece) : model(std::move(wordpiece)) {}

  std::string document;                         // tokenizer.json without the vocabulary's entries
  std::unique_ptr<Normalizer> normalizer;       // may be null
  std::unique_ptr<PreTokenizer> pre_tokenizer;  // may be null
  WordPiece model;
  AddedTokens added;
  PostProcessor post;
  std::optional<WordPieceDecoder> decoder;
  std::optional<AsciiBert> ascii_bert;  // set where normaliser and pre-tokeniser are BERT's
  std::optional<TruncationSection> truncation;
  std::optional<PaddingSection> padding;
  SpecialIds special;
  std::optional<int> model_max_length;
  bool clean_up_tokenization_spaces = false;
  int vocab_size = 0;

  // The tokens of one text, before truncation and template; stops early once there are more than
  // `limit`.
  void tokenize(std::string_view text, const EncodeOptions& options, std::size_t limit,
                Tokens& out) const;

 private:
  struct Run;
  void tokenize_plain(std::string_view text, Run& run) const;
  void tokenize_general(std::string_view text, Run& run) const;
  void push_word(const Text& text, Range word, Run& run) const;
  void push_added(int32_t index, std::string_view surface, Span span, Run& run) const;
};

// Roles that tokenizer_config.json and special_tokens_map.json give to tokens; absent: guessed from
// the template and the usual names.
struct TokenizerConfig {
  std::optional<std::string> cls, sep, mask, pad, unk;
  std::optional<bool> lowercase, strip_accents, tokenize_chinese_chars,
      clean_up_tokenization_spaces;
  std::optional<int> model_max_length;
  bool present = false;

  // Fills what is still unset. Error malformed, naming `where`.
  void read(std::string_view json, std::string_view where);
};

// `document`: a tokenizer.json whose vocabulary has been taken out. Errors as Tokenizer::from_json.
std::shared_ptr<const Tokenizer::Impl> build_tokenizer(
    std::string document, const std::vector<VocabularyEntry>& vocabulary, TokenizerConfig config);

// A whole tokenizer.json, taken apart. Error malformed, also for text that is not UTF-8.
TokenizerFile read_tokenizer_json(std::string_view tokenizer_json);

// The lines of a vocab.txt. Rules in README.md; error malformed naming the line. The entries refer
// to `bytes`.
std::vector<VocabularyEntry> parse_vocab_txt(std::string_view bytes, std::string_view where);

// The tokenizer.json (vocabulary empty) that stands for a BERT vocabulary with these options.
std::string document_for_vocab(const std::vector<VocabularyEntry>& vocabulary,
                               const VocabOptions& options);

}  // namespace sapwood
