// The WordPiece model: a word is cut greedily into the longest tokens of the vocabulary.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vocabulary.h"

namespace sapwood {

class WordPiece {
 public:
  // Error malformed where the vocabulary lacks unk_token, or has a token of more than
  // kMaxTokenBytes that a word of max_chars_per_word characters could hold.
  WordPiece(Vocabulary vocabulary, std::string unk_token, std::string continuing_prefix,
            std::size_t max_chars_per_word);

  // More than 100 characters and a prefix, which no usual vocabulary has. It bounds the time.
  static constexpr std::size_t kMaxTokenBytes = 512;

  const Vocabulary& vocabulary() const noexcept { return vocabulary_; }
  int32_t unk_id() const noexcept { return unk_id_; }
  const std::string& unk_token() const noexcept { return unk_token_; }
  const std::string& prefix() const noexcept { return prefix_; }
  std::size_t max_chars_per_word() const noexcept { return max_chars_per_word_; }

  // A word in UTF-8 as piece(id, begin, end) in bytes of the word, from left to right; returns
  // false, after some pieces perhaps, where the whole word is unknown. Time: bytes times the
  // longest token that can match, at most kMaxTokenBytes.
  template <typename Piece>
  bool split(std::string_view word, Piece piece) const {
    uint64_t hashes[kMaxTokenBytes];  // of the bytes from `begin` up to each
    std::size_t begin = 0;
    while (begin < word.size()) {
      const std::string_view prefix = begin == 0 ? std::string_view() : prefix_;
      uint64_t hash = begin == 0 ? vocabulary_.seed() : prefix_hash_;
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
        id = vocabulary_.find(hashes[end - begin - 1], prefix, word.substr(begin, end - begin));
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

  Vocabulary vocabulary_;
  std::string unk_token_, prefix_;
  std::size_t max_chars_per_word_;
  int32_t unk_id_;
  uint64_t prefix_hash_;
  std::size_t longest_;  // bytes of the longest token that can match: at most kMaxTokenBytes
};

}  // namespace sapwood
