// The WordPiece model: a word is cut greedily into the longest tokens of the vocabulary.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "subword_model.h"

namespace sapwood {

class WordPiece final : public SubwordModel {
 public:
  // Error malformed where the vocabulary has a token of more than kMaxTokenBytes that a word of
  // max_chars_per_word characters could hold.
  WordPiece(Vocabulary vocabulary, int32_t unk_id, std::string continuing_prefix,
            std::size_t max_chars_per_word);

  // More than 100 characters and a prefix, which no usual vocabulary has. It bounds the time.
  static constexpr std::size_t kMaxTokenBytes = 512;

  std::size_t max_chars_per_word() const noexcept { return max_chars_per_word_; }

  void tokenize(Word& word) const override;
  std::unique_ptr<const Shortcut> shortcut(const Normalizer* normalizer,
                                           const PreTokenizer* pre_tokenizer) const override;

  // A word in UTF-8 as piece(id, begin, end) in bytes of the word, from left to right; returns
  // false, after some pieces perhaps, where the whole word is unknown. Time: bytes times the
  // longest token that can match, at most kMaxTokenBytes.
  template <typename Piece>
  bool split(std::string_view word, Piece piece) const {
    uint64_t hashes[kMaxTokenBytes];  // of the bytes from `begin` up to each
    std::size_t begin = 0;
    while (begin < word.size()) {
      const std::string_view prefix = begin == 0 ? std::string_view() : continuing_prefix();
      uint64_t hash = begin == 0 ? vocabulary().seed() : prefix_hash_;
      const std::size_t longest = longest_ < prefix.size() ? 0 : longest_ - prefix.size();
      const std::size_t limit = begin + std::min(word.size() - begin, longest);
      for (std::size_t i = begin; i < limit; ++i) {
        hash = Vocabulary::step(hash, static_cast<unsigned char>(word[i]));
        hashes[i - begin] = hash;
      }
      int32_t id = -1;
      std::size_t end = limit;
      for (; end > begin; --end) {
        const bool inside =
            end < word.size() && (static_cast<unsigned char>(word[end]) & 0xC0) == 0x80;
        if (inside) continue;  // a character
        id = vocabulary().find(hashes[end - begin - 1], prefix, word.substr(begin, end - begin));
        if (id >= 0) break;
      }
      if (id < 0) return false;
      piece(id, begin, end);
      begin = end;
    }
    return true;
  }

 private:
  // Errors as the constructor.
  std::size_t longest_that_can_match() const;

  std::size_t max_chars_per_word_;
  uint64_t prefix_hash_;
  std::size_t longest_;  // bytes of the longest token that can match: at most kMaxTokenBytes
};

// As make_subword_model.
std::unique_ptr<const SubwordModel> make_word_piece(TokenizerDocument& document);

}  // namespace sapwood
