// What a Tokenizer is made of.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "added_tokens.h"
#include "ascii_bert.h"
#include "base/notices.h"
#include "document.h"
#include "normalizer.h"
#include "post_processor.h"
#include "pre_tokenizer.h"
#include "sapwood/tokenizer/tokenizer.h"
#include "sapwood/tokenizer/word_piece_decoder.h"
#include "tokenizer_config.h"
#include "wordpiece.h"

namespace sapwood {

struct SpecialIds {
  std::optional<int32_t> cls, sep, mask, pad, unk;
};

struct Tokenizer::Impl {
  explicit Impl(WordPiece wordpiece) : model(std::move(wordpiece)) {}

  std::string open_document;  // document.h: what with_vocabulary ends
  Notices notices;
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
  // `limit`. `out` may be one of the scratch's.
  void tokenize(std::string_view text, const EncodeOptions& options, std::size_t limit,
                EncodeScratch::Buffers& scratch, Tokens& out) const;

 private:
  struct Run;
  void tokenize_plain(std::string_view text, Run& run) const;
  void tokenize_general(std::string_view text, Run& run) const;
  void push_word(const Text& text, Range word, Run& run) const;
  void push_added(int32_t index, std::string_view surface, Span span, Run& run) const;
};

// Errors as Tokenizer::from_json.
std::shared_ptr<const Tokenizer::Impl> build_tokenizer(const TokenizerDocument& document,
                                                       TokenizerConfig config);

// The bytes of a vocab.txt; `where` is what messages call it. Errors as Tokenizer::from_vocab.
std::shared_ptr<const Tokenizer::Impl> build_from_vocab(std::string_view vocab_txt,
                                                        const std::string& where,
                                                        const VocabOptions& options,
                                                        Notices notices);

// The lines of a vocab.txt; a token's id is the number of its line, from 0. Rules in README.md. The
// entries refer to `bytes`. Error malformed for text that is not UTF-8.
std::vector<VocabularyEntry> parse_vocab_txt(std::string_view bytes, std::string_view where);

}  // namespace sapwood
