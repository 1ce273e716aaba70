// The Unigram model of SentencePiece: of all ways to cut a word into tokens, the one whose scores have
// the greatest sum.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "piece_trie.h"
#include "subword_model.h"

namespace sapwood {

class Unigram final : public SubwordModel {
 public:
  // `scores`: finite, one for each id of the vocabulary, which has no gaps; `trie`: made of the two.
  Unigram(Vocabulary vocabulary, std::vector<double> scores, PieceTrie trie,
          std::optional<int32_t> unk_id, bool byte_fallback);

  // Kudo, "Subword Regularization" (2018), section 3.2, as the reference does it: sums in double from
  // left to right, of equal ones the one whose last token is longest; a character that is no token is
  // the unknown one at 10 less than the lowest score; unknown ones in a row are one.
  void tokenize(Word& word) const override;

  bool is_table(std::string_view key) const noexcept override { return key == "vocab"; }
  void write_tables(JsonWriter& model, std::vector<Tokenizer::Table>* tables) const override;

 private:
  // Where the scratch keeps a word, if it is one to keep.
  CachedWord* place(EncodeScratch::Buffers& scratch, std::u32string_view word) const;
  void push_path(Word& word, CachedWord* cached) const;

  // For each place in the word how it is reached best. Error unsupported for a character that is no
  // token, where nothing stands for unknown ones.
  void find_path(std::u32string_view word, std::vector<PathStep>& path) const;
  // The characters [begin, end) of a word, all of them unknown.
  void push_unknown(Word& word, std::size_t begin, std::size_t end) const;

  uint64_t number_;  // in this process
  std::vector<double> scores_;
  PieceTrie trie_;
  double unknown_score_;
  std::vector<int32_t> bytes_;  // ids of <0x00> to <0xFF>, -1 for those that are missing; or empty
};

// As make_subword_model.
std::unique_ptr<const SubwordModel> make_unigram(TokenizerDocument& document);

// The table with the scores: for each id a double, little-endian.
inline constexpr std::string_view kScoresTable = "scores";
// PieceTrie::table. Files without it are read, too.
inline constexpr std::string_view kPiecesTable = "pieces";

}  // namespace sapwood
