// Added tokens: strings that are looked for in the text itself, before the model sees it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "normalizer.h"
#include "string_set.h"
#include "vocabulary.h"

namespace sapwood {

struct Call;

struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool single_word = false;  // only where no \w character touches it
  bool lstrip = false;       // takes the whitespace before it
  bool rstrip = false;       // takes the whitespace after it
  bool normalized = true;    // looked for, normalized, in the normalized text
  bool special = false;
};

class AddedTokens {
 public:
  AddedTokens() = default;
  // Error malformed for an empty token, or a normalized one that is empty, equals another or grows
  // too long.
  AddedTokens(std::vector<AddedToken> tokens, const Normalizer* normalizer);

  const std::vector<AddedToken>& tokens() const noexcept { return tokens_; }
  // What decoding uses for a token: its normalized form where it has one.
  const std::string& decoded(std::size_t index) const noexcept { return decoded_[index]; }
  const AddedToken* find(int32_t id) const noexcept;
  int32_t index_of(int32_t id) const noexcept;
  const AddedToken* find(std::string_view content) const noexcept;
  bool is_special(std::string_view content) const {
    const AddedToken* token = find(content);
    return token && token->special;
  }
  bool any_normalized() const noexcept { return !normalized_.empty(); }
  // Whether a text that no normalizer changes has a token that is looked for in normalized text.
  bool has_normalized(std::string_view text, Call& call) const;
  // Whether one of those tokens, normalized, has a space behind something else.
  bool any_normalized_over_spaces() const;

  // Special tokens in a text are plain text from now on, whatever split() is asked for.
  void split_special_tokens() noexcept { finds_special_ = false; }

  // Splits at the tokens that are not normalized; ranges in bytes. specials false: special tokens
  // are plain text. Ranges overlap where a token begins with white space that the one before took:
  // what is there twice counts as growth of the text (error too_long).
  void split(std::string_view text, bool specials, Call& call, std::vector<AddedSplit>& out) const;
  // Splits at the normalized tokens; ranges in characters.
  void split(const Text& text, bool specials, Call& call, std::vector<AddedSplit>& out) const;

 private:
  const AddedToken& at(int32_t index) const { return tokens_[static_cast<std::size_t>(index)]; }

  std::vector<AddedToken> tokens_;
  std::vector<std::string> decoded_;
  // Indices in the order of ids and of contents: the keys are a file's, and no choice of them makes
  // a search slow.
  std::vector<int32_t> by_id_, by_content_;
  bool finds_special_ = true;
  StringSet<char> plain_;
  StringSet<char32_t> normalized_;
  StringSet<char> normalized_utf8_;  // the same strings
};

}  // namespace sapwood
