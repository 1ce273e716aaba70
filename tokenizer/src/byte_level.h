// Text as bytes, each shown as a character of its own: GPT-2's way to tokens of bytes that are still
// text (https://github.com/openai/gpt-2/blob/master/src/encoder.py).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "pre_tokenizer.h"
#include "unicode.h"

namespace sapwood {

// The character that stands for a byte: itself where it is printed, else one from U+0100 on. The last
// is U+0143.
char32_t byte_level_char(uint8_t byte) noexcept;

// The byte that a character stands for, or -1.
int byte_level_byte(char32_t c) noexcept;

// The end of GPT-2's pattern where it begins at `at`, which is not the end of the text:
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// Every character is part of some match. `Text` has size(), next(at), is(at, char) and
// kind(at), the Class of a character.
template <typename Text>
std::size_t gpt2_match_end(const Text& text, std::size_t at) {
  const std::size_t size = text.size();
  if (text.is(at, '\'')) {
    const std::size_t first = text.next(at);
    if (first < size) {
      const std::size_t second = text.next(first);
      for (const char c : {'s', 't', 'm', 'd'}) {
        if (text.is(first, c)) return second;
      }
      if (second < size && ((text.is(first, 'r') && text.is(second, 'e')) ||
                            (text.is(first, 'v') && text.is(second, 'e')) ||
                            (text.is(first, 'l') && text.is(second, 'l')))) {
        return text.next(second);
      }
    }
  }
  std::size_t end = text.next(at);
  uint8_t kind = text.kind(at);
  if (kind == unicode::kWhite) {
    std::size_t last = at;  // white space so far
    for (; end < size && text.kind(end) == unicode::kWhite; end = text.next(end)) last = end;
    if (end == size) return end;
    // The last one is left for what follows, unless it is the only one.
    if (last > at) return last;
    if (!text.is(at, ' ')) return end;
    kind = text.kind(end);
  }
  while (end < size && text.kind(end) == kind) end = text.next(end);
  return end;
}

class ByteLevelPreTokenizer final : public RewritingPreTokenizer {
 public:
  ByteLevelPreTokenizer(bool add_prefix_space, bool use_regex)
      : add_prefix_space_(add_prefix_space), use_regex_(use_regex) {}

  // Whether a piece of text that does not begin with a space gets one.
  bool add_prefix_space() const noexcept { return add_prefix_space_; }
  bool use_regex() const noexcept { return use_regex_; }

 private:
  void rewrite(const Text& text, Range range, Call& call, Text& result,
               std::vector<Range>& out) const override;
  const char* name() const noexcept override { return "the pre-tokenizer ByteLevel"; }

  bool add_prefix_space_, use_regex_;
};

// The decoder: the bytes of tokens all of whose characters stand for bytes, and other tokens as they
// are. What is then not UTF-8 becomes U+FFFD, one for each maximal part of a character.
std::string byte_level_text(std::span<const std::string> tokens);

}  // namespace sapwood
