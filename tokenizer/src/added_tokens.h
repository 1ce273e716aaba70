// Added tokens: strings that are looked for in the text itself, before the model sees it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "normalizer.h"
#include "vocabulary.h"

namespace sapwood {

struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool single_word = false;  // only where no \w character touches it
  bool lstrip = false;       // takes the whitespace before it
  bool rstrip = false;       // takes the whitespace after it
  bool normalized = true;    // looked for, normalised, in the normalised text
  bool special = false;
};

// A piece of text: plain (token < 0) or an added token.
struct AddedSplit {
  Range range;
  int32_t token = -1;  // index into AddedTokens::tokens()
};

// Leftmost-longest search for a set of strings over a sequence of symbols.
template <typename Symbol>
class StringSet {
 public:
  void add(std::basic_string_view<Symbol> text, int32_t value);
  bool contains(std::basic_string_view<Symbol> text) const;
  bool empty() const noexcept { return edges_.empty(); }

  // Whether a string may begin with this symbol; a quick test before longest().
  bool may_begin(Symbol s) const noexcept { return first_[static_cast<uint32_t>(s) & 0xff]; }

  // The longest string at the start of [p, end): its length (0: none) and value.
  std::size_t longest(const Symbol* p, const Symbol* end, int32_t* value) const noexcept;

 private:
  struct Node {
    int32_t value = -1;
  };
  static uint64_t key(uint32_t node, Symbol s) noexcept {
    return static_cast<uint64_t>(node) << 32 |
           static_cast<uint32_t>(static_cast<std::make_unsigned_t<Symbol>>(s));
  }
  std::vector<Node> nodes_{Node{}};
  std::unordered_map<uint64_t, uint32_t> edges_;
  bool first_[256] = {};
};

class AddedTokens {
 public:
  AddedTokens() = default;
  // Error malformed for an empty token, or a normalised one that is empty or equals another.
  AddedTokens(std::vector<AddedToken> tokens, const Normalizer* normalizer);

  const std::vector<AddedToken>& tokens() const noexcept { return tokens_; }
  // What decoding uses for a token: its normalised form where it has one.
  const std::string& decoded(std::size_t index) const noexcept { return decoded_[index]; }
  const AddedToken* find(int32_t id) const noexcept;
  int32_t index_of(int32_t id) const noexcept;
  const AddedToken* find(std::string_view content) const;
  bool is_special(std::string_view content) const {
    const AddedToken* token = find(content);
    return token && token->special;
  }
  bool any_normalized() const noexcept { return !normalized_.empty(); }
  bool any_plain() const noexcept { return !plain_.empty(); }

  // Splits at the tokens that are not normalised; ranges in bytes. specials false: special tokens
  // are plain text.
  void split(std::string_view text, bool specials, std::vector<AddedSplit>& out) const;
  // Splits at the normalised tokens; ranges in characters.
  void split(const Text& text, bool specials, std::vector<AddedSplit>& out) const;

 private:
  std::vector<AddedToken> tokens_;
  std::vector<std::string> decoded_;
  std::unordered_map<int32_t, int32_t> index_;              // by id
  std::unordered_map<std::string, int32_t> content_index_;  // by content
  StringSet<char> plain_;
  StringSet<char32_t> normalized_;
};

}  // namespace sapwood
