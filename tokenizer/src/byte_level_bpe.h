// Byte-level BPE's shortcut: from the bytes of a text to tokens, where its normalizer is none or NFC
// and its pre-tokenizer is ByteLevel.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "bpe.h"
#include "byte_level.h"

namespace sapwood {

class ByteLevelBpe final : public Shortcut {
 public:
  // Null where the steps are others, or where the vocabulary lacks a byte.
  static std::unique_ptr<const Shortcut> make(const Bpe& model, const Normalizer* normalizer,
                                              const PreTokenizer* pre_tokenizer);

  // Under NFC it takes text up to the last space before a character from U+0300 on, and leaves what is
  // from there to the next space: NFC does nothing to characters before U+0300, and nothing over a
  // space; and where a space follows something else, a match of GPT-2's pattern begins.
  Range tokenize(std::string_view text, std::size_t at, Progress& progress,
                 Call& call) const override;
  bool keeps_text() const noexcept override { return true; }

 private:
  struct Word;
  class Utf8;

  ByteLevelBpe(const Bpe& model, bool nfc, bool prefix_space);
  void push(const Word& word, Progress& progress, Call& call) const;
  int32_t find(const Word& word) const;
  std::size_t boundary_before(std::string_view text, std::size_t begin, std::size_t at) const;
  std::size_t boundary_after(std::string_view text, std::size_t at) const;
  bool ends_in_white_space(std::string_view text) const;

  // Words of more bytes than that are not looked up whole; few vocabularies have longer tokens.
  static constexpr std::size_t kMostBytes = 64;

  const Bpe& model_;
  bool nfc_, prefix_space_;
  int32_t ids_[256];      // of bytes
  char encoded_[256][2];  // the character of a byte, in UTF-8
  uint8_t encoded_size_[256];
  uint8_t kinds_[128];  // classes of ASCII
};

}  // namespace sapwood
