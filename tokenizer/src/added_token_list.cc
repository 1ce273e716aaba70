#include "added_token_list.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/quote.h"
#include "sapwood/error.h"

namespace sapwood {
namespace {

bool same_flags(const AddedToken& a, const AddedToken& b) {
  return a.single_word == b.single_word && a.lstrip == b.lstrip && a.rstrip == b.rstrip &&
         a.normalized == b.normalized && a.special == b.special;
}

}  // namespace

AddedTokenList::AddedTokenList(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {}

std::int32_t AddedTokenList::next_id() const noexcept {
  return highest_ >= vocabulary_.count() ? highest_ + 1 : vocabulary_.count();
}

void AddedTokenList::read(const JsonValue& list) {
  constexpr std::int64_t kMostId = std::numeric_limits<std::int32_t>::max() - 1;
  for (const JsonValue item : list.elements()) {
    AddedToken token;
    token.id = static_cast<std::int32_t>(item.at("id").integer(0, kMostId));
    token.content = std::string(item.at("content").string());
    token.single_word = item.at("single_word").boolean();
    token.lstrip = item.at("lstrip").boolean();
    token.rstrip = item.at("rstrip").boolean();
    token.normalized = item.at("normalized").boolean();
    token.special = item.at("special").boolean();
    if (token.content.empty()) item.at("content").expected("a token of at least one character");
    try {
      add(std::move(token), true);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::out_of_memory) throw;
      item.fail(error.what(), error.code());
    }
  }
}

bool AddedTokenList::add(AddedToken token, bool flags_count) {
  if (token.content.empty()) throw Error(ErrorCode::malformed, "an added token is empty");
  const auto known = index_.find(token.content);
  std::int32_t id = known != index_.end() ? tokens_[known->second].id : vocabulary_.find(token.content);
  if (id < 0) id = next_id();
  if (token.id >= 0 && token.id != id) {
    throw Error(ErrorCode::mismatch, quote(token.content) + " is stated to have the id " +
                                         std::to_string(token.id) +
                                         ", but the vocabulary gives it " + std::to_string(id) +
                                         "; correct the one that is wrong");
  }
  token.id = id;
  if (vocabulary_.has(id) && vocabulary_.token(id) != token.content) {
    throw Error(ErrorCode::mismatch, "the id " + std::to_string(id) + " of " +
                                         quote(token.content) + " belongs to " +
                                         quote(vocabulary_.token(id)) + " in the vocabulary");
  }
  highest_ = std::max(highest_, id);
  if (known == index_.end()) {
    index_.emplace(token.content, tokens_.size());
    tokens_.push_back(std::move(token));
    return true;
  }
  AddedToken& old = tokens_[known->second];
  if (!flags_count || same_flags(old, token)) return false;
  old = std::move(token);
  return true;
}

void AddedTokenList::add(std::vector<NamedToken>& named, Notices& notices) {
  std::erase_if(named, [&](NamedToken& one) {
    const std::int32_t stated = std::exchange(one.token.id, -1);
    const bool changed = add(one.token, one.flags_count);
    const std::int32_t id = tokens_[index_.find(one.token.content)->second].id;
    if (stated >= 0 && stated != id) {
      notices.add("the added token " + quote(one.token.content) + " is stated to have the id " +
                  std::to_string(stated) + "; it gets " + std::to_string(id) +
                  ", as in transformers: the vocabulary's, else the next that is free");
    }
    return !changed;
  });
}

}  // namespace sapwood
