#include "added_tokens.h"

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
    static thread_local Text one;
    one.assign(text.substr(at, next(at) - at), 0);
    return unicode::FlagTable::get()(one.chars[0]);
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
                 const std::vector<AddedToken>& tokens, bool specials,
                 std::vector<AddedSplit>& out) {
  const std::size_t size = view.size();
  const auto* data = view.data();
  std::size_t done = 0;  // everything before is in a split
  for (std::size_t at = 0; at < size;) {
    if (!set.may_begin(data[at])) {
      ++at;
      continue;
    }
    int32_t index = -1;
    const std::size_t length = set.longest(data + at, data + size, &index);
    if (length == 0) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens[static_cast<std::size_t>(index)];
    std::size_t start = at, stop = at + length;
    at = stop;  // a match that is refused is passed over whole, as in the reference
    if (token.special && !specials) continue;
    if (token.single_word) {
      const bool word_before = start > 0 && (view.flags(view.previous(start)) & unicode::kWord);
      const bool word_after = stop < size && (view.flags(stop) & unicode::kWord);
      if (word_before || word_after) continue;
    }
    if (token.lstrip) {
      while (start > done && (view.flags(view.previous(start)) & unicode::kSpace)) {
        start = view.previous(start);
      }
      start = std::max(start, done);
    }
    if (token.rstrip) {
      while (stop < size && (view.flags(stop) & unicode::kSpace)) stop = view.next(stop);
    }
    if (done < start) out.push_back({{done, start}, -1});
    out.push_back({{start, stop}, index});
    done = stop;
  }
  if (done < size) out.push_back({{done, size}, -1});
}

}  // namespace

template <typename Symbol>
void StringSet<Symbol>::add(std::basic_string_view<Symbol> text, int32_t value) {
  uint32_t node = 0;
  first_[static_cast<uint32_t>(text[0]) & 0xff] = true;
  for (Symbol s : text) {
    auto [it, fresh] = edges_.try_emplace(key(node, s), static_cast<uint32_t>(nodes_.size()));
    if (fresh) nodes_.push_back({});
    node = it->second;
  }
  nodes_[node].value = value;
}

template <typename Symbol>
bool StringSet<Symbol>::contains(std::basic_string_view<Symbol> text) const {
  int32_t value = -1;
  return longest(text.data(), text.data() + text.size(), &value) == text.size() && value >= 0;
}

template <typename Symbol>
std::size_t StringSet<Symbol>::longest(const Symbol* p, const Symbol* end,
                                       int32_t* value) const noexcept {
  std::size_t length = 0;
  uint32_t node = 0;
  for (const Symbol* q = p; q < end; ++q) {
    const auto it = edges_.find(key(node, *q));
    if (it == edges_.end()) break;
    node = it->second;
    if (nodes_[node].value >= 0) {
      *value = nodes_[node].value;
      length = static_cast<std::size_t>(q - p) + 1;
    }
  }
  return length;
}

AddedTokens::AddedTokens(std::vector<AddedToken> tokens, const Normalizer* normalizer)
    : tokens_(std::move(tokens)) {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const AddedToken& token = tokens_[i];
    if (token.content.empty()) {
      throw Error(ErrorCode::malformed,
                  "added_tokens: the token with id " + std::to_string(token.id) + " is empty");
    }
    index_[token.id] = static_cast<int32_t>(i);
    content_index_[token.content] = static_cast<int32_t>(i);
    decoded_.push_back(token.content);
    if (!token.normalized) {
      plain_.add(token.content, static_cast<int32_t>(i));
      continue;
    }
    Text text;
    text.assign(token.content, 0);
    if (normalizer) normalizer->apply(text);
    if (text.size() == 0) {
      throw Error(ErrorCode::malformed,
                  "added_tokens: \"" + token.content +
                      "\" is empty after normalisation and could never match");
    }
    if (normalized_.contains(text.chars)) {
      throw Error(ErrorCode::malformed,
                  "added_tokens: \"" + token.content +
                      "\" is the same as another added token after normalisation");
    }
    normalized_.add(text.chars, static_cast<int32_t>(i));
    decoded_.back().clear();
    for (char32_t c : text.chars) utf8::append(decoded_.back(), c);
  }
}

int32_t AddedTokens::index_of(int32_t id) const noexcept {
  const auto it = index_.find(id);
  return it == index_.end() ? -1 : it->second;
}

const AddedToken* AddedTokens::find(int32_t id) const noexcept {
  const int32_t index = index_of(id);
  return index < 0 ? nullptr : &tokens_[static_cast<std::size_t>(index)];
}

const AddedToken* AddedTokens::find(std::string_view content) const {
  const auto it = content_index_.find(std::string(content));
  return it == content_index_.end() ? nullptr : &tokens_[static_cast<std::size_t>(it->second)];
}

void AddedTokens::split(std::string_view text, bool specials, std::vector<AddedSplit>& out) const {
  out.clear();
  if (plain_.empty()) {
    if (!text.empty()) out.push_back({{0, text.size()}, -1});
    return;
  }
  find_tokens(Utf8View{text}, plain_, tokens_, specials, out);
}

void AddedTokens::split(const Text& text, bool specials, std::vector<AddedSplit>& out) const {
  out.clear();
  if (normalized_.empty()) {
    if (text.size() > 0) out.push_back({{0, text.size()}, -1});
    return;
  }
  find_tokens(Utf32View{text.chars}, normalized_, tokens_, specials, out);
}

template class StringSet<char>;
template class StringSet<char32_t>;

}  // namespace sapwood
