// Text on its way through the normalizer: characters, each with the range of the caller's text it
// stands for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace sapwood {

// Code points [start, end) of the caller's text.
struct Span {
  uint32_t start = 0, end = 0;
  bool operator==(const Span&) const = default;
};

struct Text {
  std::u32string chars;
  std::vector<Span> spans;  // one a character
  uint32_t base = 0;        // code point of the caller's text where this piece begins

  std::size_t size() const noexcept { return chars.size(); }
  void clear() noexcept {
    chars.clear();
    spans.clear();
  }
  void reserve(std::size_t n) {
    chars.reserve(n);
    spans.reserve(n);
  }
  void push(char32_t c, Span span) {
    chars.push_back(c);
    spans.push_back(span);
  }
  void truncate(std::size_t n) {
    chars.resize(n);
    spans.resize(n);
  }

  // Decodes valid UTF-8 that begins at code point `at` of the caller's text.
  void assign(std::string_view utf8, uint32_t at);
};

// A range of characters of a Text.
struct Range {
  std::size_t begin = 0, end = 0;
  bool operator==(const Range&) const = default;
};

// The characters of a range in UTF-8, and for each byte the number of its character in the range.
void to_utf8(const Text& text, Range range, std::string& bytes, std::vector<uint32_t>& char_at);

// Rewrites a Text by the reference's rules for alignment: a character of the result either replaces
// the next character of the source and takes its span, or is added and shares the span of the
// source character before the cursor.
class Rewriter {
 public:
  Rewriter(const Text& source, Text& result) : source_(source), result_(result) {
    result_.clear();
    result_.reserve(source.size());
    result_.base = source.base;
  }

  // change: 1 added; 0 replaces one character; -n replaces one and removes the n after it.
  void emit(char32_t c, std::ptrdiff_t change) {
    Span span{source_.base, source_.base};
    if (change <= 0) {
      span = source_.spans[cursor_];
      cursor_ += 1 + static_cast<std::size_t>(-change);
    } else if (cursor_ > 0) {
      span = source_.spans[cursor_ - 1];
    }
    result_.push(c, span);
  }

 private:
  const Text& source_;
  Text& result_;
  std::size_t cursor_ = 0;
};

// Elements for which there is room from the start, so that a short text asks for memory once. (A
// long one may need far fewer than it has bytes.)
inline constexpr std::size_t kUsualElements = 256;

// Storage kept for the next call is given back once a long text has made it large.
inline constexpr std::size_t kKeptElements = std::size_t{1} << 18;

template <typename Container>
void release_if_large(Container& container) {
  if (container.capacity() > kKeptElements) Container().swap(container);
}

inline void release_if_large(Text& text) {
  release_if_large(text.chars);
  release_if_large(text.spans);
}

// The same when a scope ends, also by an exception.
template <typename... Containers>
class ReleaseIfLarge {
 public:
  explicit ReleaseIfLarge(Containers&... containers) : containers_(containers...) {}
  ReleaseIfLarge(const ReleaseIfLarge&) = delete;
  ReleaseIfLarge& operator=(const ReleaseIfLarge&) = delete;
  ~ReleaseIfLarge() {
    std::apply([](Containers&... each) { (release_if_large(each), ...); }, containers_);
  }

 private:
  std::tuple<Containers&...> containers_;
};

// A piece of text: plain (token < 0) or an added token.
struct AddedSplit {
  Range range;
  int32_t token = -1;  // index into AddedTokens::tokens()
};

// A character of a decomposed text.
struct Decomposed {
  char32_t c;
  uint8_t ccc;  // its canonical combining class
  int change;   // 0: stands for the next source character; 1: a further one of its decomposition
};

}  // namespace sapwood
