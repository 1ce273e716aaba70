#include "byte_level.h"

#include <algorithm>
#include <array>

#include "sapwood/utf8.h"

namespace sapwood {
namespace {

struct ByteChars {
  std::array<char32_t, 256> char_of{};
  std::array<int16_t, 0x144> byte_of{};

  constexpr ByteChars() {
    byte_of.fill(-1);
    char32_t next = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
      const bool printed = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte != 0xAD);
      const char32_t c = printed ? static_cast<char32_t>(byte) : next++;
      char_of[static_cast<std::size_t>(byte)] = c;
      byte_of[c] = static_cast<int16_t>(byte);
    }
  }
};

constexpr ByteChars kByteChars;

// A range of a Text, perhaps with a space before it.
class PrefixedText {
 public:
  PrefixedText(const Text& text, Range range, bool prefixed)
      : chars_(text.chars.data() + range.begin),
        size_(range.end - range.begin + prefixed),
        prefixed_(prefixed) {}

  std::size_t size() const { return size_; }
  std::size_t next(std::size_t at) const { return at + 1; }
  char32_t operator[](std::size_t at) const {
    return prefixed_ && at == 0 ? U' ' : chars_[at - prefixed_];
  }
  bool is(std::size_t at, char c) const { return (*this)[at] == static_cast<char32_t>(c); }
  uint8_t kind(std::size_t at) const { return classes_((*this)[at]); }

 private:
  const unicode::FlagTable& classes_ = unicode::FlagTable::classes();
  const char32_t* chars_;
  std::size_t size_;
  bool prefixed_;
};

// Bytes of the maximal part of a character with which `bytes`, which do not begin with one, begin:
// Unicode 15, section 3.9, "U+FFFD Substitution of Maximal Subparts".
std::size_t broken_length(std::string_view bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char lead = byte(0);
  const std::size_t needed = lead < 0xC2   ? 1
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 1;
  std::size_t n = 1;
  for (; n < needed && n < bytes.size(); ++n) {
    unsigned char low = 0x80, high = 0xBF;
    if (n == 1 && lead == 0xE0) low = 0xA0;
    if (n == 1 && lead == 0xED) high = 0x9F;
    if (n == 1 && lead == 0xF0) low = 0x90;
    if (n == 1 && lead == 0xF4) high = 0x8F;
    if (byte(n) < low || byte(n) > high) break;
  }
  return n;
}

}  // namespace

char32_t byte_level_char(uint8_t byte) noexcept { return kByteChars.char_of[byte]; }

int byte_level_byte(char32_t c) noexcept {
  return c < kByteChars.byte_of.size() ? kByteChars.byte_of[c] : -1;
}

void ByteLevelPreTokenizer::rewrite(const Text& text, Range range, Call&, Text& result,
                                    std::vector<Range>& out) const {
  const PrefixedText piece(text, range, add_prefix_space_ && text.chars[range.begin] != U' ');
  const std::size_t prefix = piece.size() - (range.end - range.begin);
  std::string bytes;
  for (std::size_t at = 0, end; at < piece.size(); at = end) {
    end = use_regex_ ? gpt2_match_end(piece, at) : piece.size();
    const std::size_t begin = result.size();
    for (; at < end; ++at) {
      bytes.clear();
      utf8::append(bytes, piece[at]);
      const Span span = text.spans[range.begin + std::max(at, prefix) - prefix];
      for (const char c : bytes) result.push(byte_level_char(static_cast<uint8_t>(c)), span);
    }
    out.push_back({begin, result.size()});
  }
}

std::string byte_level_text(std::span<const std::string> tokens) {
  std::string bytes;
  for (const std::string& token : tokens) {
    const std::size_t before = bytes.size();
    for (std::string_view rest = token; !rest.empty();) {
      const std::size_t length = utf8::sequence_length(rest);
      const int byte = length == 0 ? -1 : byte_level_byte(utf8::decode(rest));
      if (byte < 0) {
        bytes.resize(before);
        bytes += token;
        break;
      }
      bytes += static_cast<char>(byte);
      rest.remove_prefix(length);
    }
  }
  if (utf8::is_valid(bytes)) return bytes;
  std::string text;
  for (std::string_view rest = bytes; !rest.empty();) {
    const std::size_t valid = std::min(utf8::find_invalid(rest), rest.size());
    text += rest.substr(0, valid);
    rest.remove_prefix(valid);
    if (rest.empty()) break;
    text += "\uFFFD";
    rest.remove_prefix(broken_length(rest));
  }
  return text;
}

}  // namespace sapwood
