// Added tokens as they are collected from the files, and the ids that they get.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "added_tokens.h"
#include "base/json.h"
#include "tokenizer_config.h"
#include "vocabulary.h"

namespace sapwood {

// Gives ids as the reference does: the vocabulary's, else the next that is free. Files state them too; a statement that
// differs does not count there, and is a notice here.
class AddedTokenList {
 public:
  explicit AddedTokenList(const Vocabulary& vocabulary);

  // "added_tokens" of a tokenizer.json, whose later entries count more than earlier ones.
  void read(const JsonValue& list, Notices& notices);

  // A token with the id that is stated for it, or -1. One that is there already gets these flags if `flags_count`, else
  // stays. Whether anything changed. Error malformed for an empty token.
  bool add(AddedToken token, bool flags_count, Notices& notices);

  // Tokens that the configuration names. Those that change nothing leave the list.
  void add(std::vector<NamedToken>& named, Notices& notices);

  const std::vector<AddedToken>& tokens() const noexcept { return tokens_; }
  std::vector<AddedToken> take() { return std::move(tokens_); }

 private:
  std::int32_t next_id() const noexcept;

  const Vocabulary& vocabulary_;
  std::vector<AddedToken> tokens_;
  std::map<std::string, std::size_t, std::less<>> index_;  // of tokens_, by content
  std::int32_t highest_ = -1;                              // of their ids
};

}  // namespace sapwood
