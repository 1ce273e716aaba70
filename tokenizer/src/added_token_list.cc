#include "added_token_list.h"

#include <algorithm>
#include <limits>

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

void AddedTokenList::read(const JsonValue& list, Notices& notices) {
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
    add(std::move(token), true, notices);
  }
}

bool AddedTokenList::add(AddedToken token, bool flags_count, Notices& notices) {
  if (token.content.empty()) throw Error(ErrorCode::malformed, "an added token is empty");
  const auto known = index_.find(token.content);
  const bool old = known != index_.end();
  std::int32_t id = old ? tokens_[known->second].id : vocabulary_.find(token.content);
  if (id < 0) id = next_id();
  if (token.id >= 0 && token.id != id) {
    const bool shared = vocabulary_.has(id) && vocabulary_.token(id) != token.content;
    notices.add("the added token " + quote(token.content) + " is stated to have the id " +
                std::to_string(token.id) + "; it gets " + std::to_string(id) +
                (shared ? ", which is that of " + quote(vocabulary_.token(id)) + " too" : "") +
                ", as in the reference: the vocabulary's, else the number of tokens there are");
  }
  token.id = id;
  highest_ = std::max(highest_, id);
  if (!old) {
    index_.emplace(token.content, tokens_.size());
    tokens_.push_back(std::move(token));
    return true;
  }
  AddedToken& there = tokens_[known->second];
  if (!flags_count || same_flags(there, token)) return false;
  there = std::move(token);
  return true;
}

void AddedTokenList::add(std::vector<NamedToken>& named, Notices& notices) {
  std::erase_if(named, [&](NamedToken& one) {
    const bool changed = add(one.token, one.flags_count, notices);
    one.token.id = -1;  // it is given anew
    return !changed;
  });
}

}  // namespace sapwood
