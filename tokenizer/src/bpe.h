// The model BPE: a word is cut into characters, whose tokens are then merged two by two, in the order
// of the file's merges. How characters are bytes of the text is the pre-tokenizer's matter
// (byte_level.h).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "merge_table.h"
#include "subword_model.h"

namespace sapwood {

// Members of tokenizer.json's "model"; the reference's meaning.
struct BpeOptions {
  std::optional<std::string> unk_token;
  std::string continuing_subword_prefix;  // every character but the first is looked up with it
  std::string end_of_word_suffix;         // the last one is
  bool fuse_unk = false;                  // unknown characters in a row are one token
  bool byte_fallback = false;             // an unknown character is its bytes' tokens, "<0x0A>"
  bool ignore_merges = false;             // a word that is a token is that token
};

class Bpe final : public SubwordModel {
 public:
  // `unk_id`: that of unk_token, where the vocabulary has it.
  Bpe(Vocabulary vocabulary, std::optional<int32_t> unk_id, BpeOptions options,
      const std::vector<MergeTable::Merge>& merges);

  // Of prefix and suffix; known ones have 4. It bounds the time of a word.
  static constexpr std::size_t kMaxAffixBytes = 64;

  void tokenize(Word& word) const override;
  std::unique_ptr<const Shortcut> shortcut(const Normalizer* normalizer,
                                           const PreTokenizer* pre_tokenizer) const override;
  bool is_table(std::string_view key) const noexcept override;
  void write_tables(JsonWriter& model, std::vector<Tokenizer::Table>* tables) const override;

  const MergeTable& merges() const noexcept { return merges_; }

  // The token that a whole word is, or -1 where it is none, or where that is not known yet. `token`:
  // what the vocabulary has for the word's text, or -1.
  int32_t whole(int32_t token) const noexcept {
    if (token < 0) return -1;
    if (options_.ignore_merges) return token;
    const auto at = static_cast<std::size_t>(token);
    return fates_[at].load(std::memory_order_relaxed) == kWhole ? token : -1;
  }
  // Remembers what became of a word whose text is that of `token`, where that is not -1.
  void remember(int32_t token, const std::vector<BpeSymbol>& symbols, std::size_t bytes) const;

  // The token of a character that stands alone, or -1.
  int32_t character(char32_t c) const noexcept {
    if (c < kDirect) return direct_[c];
    return find_character(c);
  }

 private:
  static constexpr char32_t kDirect = 0x180;  // beyond the characters of byte-level BPE
  enum Fate : uint8_t { kUnknown, kWhole, kCut };

  int32_t find_character(char32_t c) const noexcept;
  void start(std::string_view word, std::vector<BpeSymbol>& symbols) const;
  bool push_bytes(std::string_view character, std::vector<BpeSymbol>& symbols) const;
  int32_t required_unk() const;

  BpeOptions options_;
  MergeTable merges_;
  int32_t direct_[kDirect];
  int32_t bytes_[256];  // of byte fallback; -1 where there is none
  bool affixes_;
  // Of each token whether its own text, as a word, is that token: what a word gives depends on its text
  // alone, so that most words need no merging once one of them was merged.
  mutable std::vector<std::atomic<uint8_t>> fates_;
};

// The decoder BPEDecoder: the tokens with a space in place of each suffix, and nothing in place of
// those of the last token.
std::vector<std::string> without_suffix(std::vector<std::string> tokens, std::string_view suffix);

// As make_subword_model.
std::unique_ptr<const SubwordModel> make_bpe(TokenizerDocument& document);

// The table with the merges in the order of their ranks: the ids of the two tokens, 32-bit whole
// numbers, little-endian.
inline constexpr std::string_view kMergesTable = "merges";

}  // namespace sapwood
