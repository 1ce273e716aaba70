// What a Tokenizer is made of.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "added_tokens.h"
#include "base/notices.h"
#include "document.h"
#include "normalizer.h"
#include "post_processor.h"
#include "pre_tokenizer.h"
#include "sapwood/tokenizer/tokenizer.h"
#include "subword_model.h"
#include "tokenizer_config.h"

namespace sapwood {

class InputFile;  // base/file.h

struct SpecialIds {
  std::optional<int32_t> cls, sep, mask, pad, unk;
};

// From tokens, or strings that stand for them, back to text.
using Decoder = std::function<std::string(std::span<const std::string>)>;

struct Tokenizer::Impl {
  std::string open_document;  // document.h: what close_document ends
  Notices notices;
  std::unique_ptr<Normalizer> normalizer;       // may be null
  std::unique_ptr<PreTokenizer> pre_tokenizer;  // may be null
  std::unique_ptr<const SubwordModel> model;    // never null
  std::string_view model_type;                  // a literal: "WordPiece"
  std::unique_ptr<const Shortcut> shortcut;     // the model's; may be null
  AddedTokens added;
  PostProcessor post;
  Decoder decoder;  // may be empty
  std::optional<TruncationSection> truncation;
  std::optional<PaddingSection> padding;
  SpecialIds special;
  std::optional<int> model_max_length, max_length;
  Direction truncation_side = Direction::right;
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
  void push_added(int32_t index, std::string_view surface, Span span, Run& run) const;
};

// Errors as Tokenizer::from_json.
std::shared_ptr<Tokenizer::Impl> build_tokenizer(TokenizerDocument document,
                                                 TokenizerConfig config);

// The bytes of a vocab.txt; `where` is what messages call it. `options` has of `config` what it can hold. Errors as
// Tokenizer::from_vocab.
std::shared_ptr<Tokenizer::Impl> build_from_vocab(std::string_view vocab_txt,
                                                  const std::string& where,
                                                  const VocabOptions& options,
                                                  TokenizerConfig config);

// A vocab.json and a merges.txt of RoBERTa's. Errors as Tokenizer::from_json; unsupported where the vocabulary is not
// RoBERTa's.
std::shared_ptr<Tokenizer::Impl> build_from_merges(const InputFile& vocab, const InputFile& merges,
                                                   TokenizerConfig config);

// The lines of a vocab.txt; a token's id is the number of its line, from 0. Rules in README.md. The
// entries refer to `bytes`. Error malformed for text that is not UTF-8.
std::vector<VocabularyEntry> parse_vocab_txt(std::string_view bytes, std::string_view where);

}  // namespace sapwood
