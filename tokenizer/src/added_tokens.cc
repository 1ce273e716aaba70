#include "added_tokens.h"

#include <algorithm>

#include "base/quote.h"
#include "call.h"
#include "sapwood/error.h"
#include "sapwood/utf8.h"
#include "unicode.h"

namespace sapwood {
namespace {

// Symbols of either kind of text: where the character before or after a position begins or ends,
// and its flags.
struct Utf8View {
  std::string_view text;
  using Symbol = char;
  const char* data() const { return text.data(); }
  std::size_t size() const { return text.size(); }
  std::size_t previous(std::size_t at) const {
    do --at;
    while ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
    return at;
  }
  std::size_t next(std::size_t at) const {
    do ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
    return at;
  }
  uint8_t flags(std::size_t at) const {
    return unicode::FlagTable::get()(utf8::decode(text.substr(at)));
  }
};

struct Utf32View {
  const std::u32string& text;
  using Symbol = char32_t;
  const char32_t* data() const { return text.data(); }
  std::size_t size() const { return text.size(); }
  std::size_t previous(std::size_t at) const { return at - 1; }
  std::size_t next(std::size_t at) const { return at + 1; }
  uint8_t flags(std::size_t at) const { return unicode::FlagTable::get()(text[at]); }
};

template <typename View>
void find_tokens(const View& view, const StringSet<typename View::Symbol>& set,
                 const std::vector<AddedToken>& tokens, bool specials, Call& call,
                 std::vector<AddedSplit>& out) {
  std::vector<SetMatch>& matches = call.scratch.added;
  const ReleaseIfLarge guard(matches);
  set.find_all({view.data(), view.size()}, matches);
  std::size_t done = 0;  // everything before is in a split
  for (const SetMatch& match : matches) {
    const AddedToken& token = tokens[static_cast<std::size_t>(match.value)];
    std::size_t start = match.begin, stop = match.end;
    // A match that is refused is passed over whole, as in the reference.
    if (token.special && !specials) continue;
    if (token.single_word) {
      const bool word_before = start > 0 && (view.flags(view.previous(start)) & unicode::kWord);
      const bool word_after = stop < view.size() && (view.flags(stop) & unicode::kWord);
      if (word_before || word_after) continue;
    }
    if (token.lstrip) {
      while (start > done && (view.flags(view.previous(start)) & unicode::kSpace)) {
        start = view.previous(start);
      }
      start = std::max(start, done);
      if (start >= stop) continue;  // the token before took all of it
    }
    if (start < done) call.allowance.grow(done - start, "an added token of white space");
    if (token.rstrip) {
      while (stop < view.size() && (view.flags(stop) & unicode::kSpace)) stop = view.next(stop);
    }
    if (done < start) out.push_back({{done, start}, -1});
    out.push_back({{start, stop}, match.value});
    done = stop;
  }
  if (done < view.size()) out.push_back({{done, view.size()}, -1});
}

// `token` as its normalizer makes it.
std::u32string normalize(const AddedToken& token, const Normalizer* normalizer, Call& call) {
  Text text;
  text.assign(token.content, 0);
  try {
    if (normalizer) normalizer->apply(text, call);
  } catch (const Error& e) {
    if (e.code() == ErrorCode::out_of_memory) throw;
    throw Error(ErrorCode::malformed,
                "added_tokens: " + quote(token.content) + " cannot be normalized: " + e.what());
  }
  if (text.size() == 0) {
    throw Error(ErrorCode::malformed, "added_tokens: " + quote(token.content) +
                                          " is empty after normalization and could never match");
  }
  return std::move(text.chars);
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens, const Normalizer* normalizer)
    : tokens_(std::move(tokens)) {
  std::size_t bytes = 0;
  for (const AddedToken& token : tokens_) bytes += token.content.size();
  EncodeScratch::Buffers scratch;
  Call call{Allowance(bytes), scratch};
  std::vector<std::u32string> texts(tokens_.size());
  std::vector<std::pair<std::string_view, int32_t>> plain;
  std::vector<std::pair<std::u32string_view, int32_t>> normalized;
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const AddedToken& token = tokens_[i];
    const auto index = static_cast<int32_t>(i);
    if (token.content.empty()) {
      throw Error(ErrorCode::malformed,
                  "added_tokens: the token with id " + std::to_string(token.id) + " is empty");
    }
    by_id_.push_back(index);
    by_content_.push_back(index);
    decoded_.push_back(token.content);
    if (!token.normalized) {
      plain.emplace_back(token.content, index);
      continue;
    }
    texts[i] = normalize(token, normalizer, call);
    normalized.emplace_back(texts[i], index);
    decoded_.back().clear();
    for (char32_t c : texts[i]) utf8::append(decoded_.back(), c);
  }
  std::sort(normalized.begin(), normalized.end());
  const auto same =
      std::adjacent_find(normalized.begin(), normalized.end(),
                         [](const auto& a, const auto& b) { return a.first == b.first; });
  if (same != normalized.end()) {
    throw Error(
        ErrorCode::malformed,
        "added_tokens: " + quote(tokens_[static_cast<std::size_t>(same[1].second)].content) +
            " is the same as another added token after normalization");
  }
  std::vector<std::pair<std::string_view, int32_t>> normalized_utf8;
  for (const auto& [text, index] : normalized) {
    normalized_utf8.emplace_back(decoded_[static_cast<std::size_t>(index)], index);
  }
  normalized_utf8_ = StringSet<char>(std::move(normalized_utf8));
  plain_ = StringSet<char>(std::move(plain));
  normalized_ = StringSet<char32_t>(std::move(normalized));
  std::ranges::sort(by_id_, {}, [&](int32_t i) { return at(i).id; });
  std::ranges::sort(by_content_, {}, [&](int32_t i) { return std::string_view(at(i).content); });
}

int32_t AddedTokens::index_of(int32_t id) const noexcept {
  const auto it = std::ranges::lower_bound(by_id_, id, {}, [&](int32_t i) { return at(i).id; });
  return it == by_id_.end() || at(*it).id != id ? -1 : *it;
}

const AddedToken* AddedTokens::find(int32_t id) const noexcept {
  const int32_t index = index_of(id);
  return index < 0 ? nullptr : &at(index);
}

const AddedToken* AddedTokens::find(std::string_view content) const noexcept {
  const auto it = std::ranges::lower_bound(
      by_content_, content, {}, [&](int32_t i) { return std::string_view(at(i).content); });
  return it == by_content_.end() || at(*it).content != content ? nullptr : &at(*it);
}

bool AddedTokens::has_normalized(std::string_view text, Call& call) const {
  if (normalized_utf8_.empty()) return false;
  std::vector<SetMatch>& matches = call.scratch.added;
  const ReleaseIfLarge guard(matches);
  normalized_utf8_.find_all(text, matches);
  return !matches.empty();
}

bool AddedTokens::any_normalized_over_spaces() const {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (!tokens_[i].normalized) continue;
    const std::string& text = decoded_[i];
    for (std::size_t at = text.find(' ', 1); at < text.size(); at = text.find(' ', at + 1)) {
      if (text[at - 1] != ' ') return true;
    }
  }
  return false;
}

void AddedTokens::split(std::string_view text, bool specials, Call& call,
                        std::vector<AddedSplit>& out) const {
  out.clear();
  if (plain_.empty()) {
    if (!text.empty()) out.push_back({{0, text.size()}, -1});
    return;
  }
  find_tokens(Utf8View{text}, plain_, tokens_, specials && finds_special_, call, out);
}

void AddedTokens::split(const Text& text, bool specials, Call& call,
                        std::vector<AddedSplit>& out) const {
  out.clear();
  if (normalized_.empty()) {
    if (text.size() > 0) out.push_back({{0, text.size()}, -1});
    return;
  }
  find_tokens(Utf32View{text.chars}, normalized_, tokens_, specials && finds_special_, call, out);
}

}  // namespace sapwood
