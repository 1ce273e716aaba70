#include "precompiled.h"

#include <algorithm>
#include <array>

#include "call.h"
#include "graphemes.h"
#include "sapwood/error.h"
#include "sapwood/utf8.h"

namespace sapwood {
namespace {

// A unit of darts-clone's double array.
constexpr uint32_t kLeaf = 1 << 8, kLeafUnit = 1u << 31;
constexpr uint32_t label(uint32_t unit) noexcept { return unit & (kLeafUnit | 0xFF); }
constexpr uint32_t offset(uint32_t unit) noexcept { return unit >> 10 << ((unit & 1 << 9) >> 6); }
constexpr uint32_t value(uint32_t unit) noexcept { return unit & (kLeafUnit - 1); }

// Of units that lie side by side, whether one of the bytes first, first ^ 1, ... leads to it: most have none
// that does, and a loop without branches says so fastest.
constexpr uint32_t kTogether = 64;
bool any_child(const uint32_t* units, uint32_t first) noexcept {
  uint32_t found = 0;
  for (uint32_t i = 0; i < kTogether; ++i) found |= label(units[i]) == (first ^ i);
  return found != 0;
}

// The longest cluster that the reference looks up as a whole.
constexpr std::size_t kMaxClusterBytes = 5;

// SentencePiece's own maps have 0.3 MB.
constexpr std::size_t kMaxMapBytes = 8 << 20;

constexpr std::size_t width(char32_t c) noexcept {
  return std::size_t{1} + (c >= 0x80) + (c >= 0x800) + (c >= 0x10000);
}

uint32_t read_word(std::string_view bytes, std::size_t at) noexcept {
  uint32_t word = 0;
  for (std::size_t b = 4; b > 0; --b) {
    word = word << 8 | static_cast<unsigned char>(bytes[at + b - 1]);
  }
  return word;
}

// Rewrites a text by the map, with the reference's accounts of what stands for what: of the characters
// of a replacement, as many as were there take the place of those; the others are added; and characters
// that are left over count as removed after the one that was written last. At the text's beginning
// there is none, and what follows takes their places.
class MapRewriter {
 public:
  MapRewriter(const Text& source, Text& result, std::size_t limit)
      : source_(source), result_(result), limit_(limit) {
    result_.clear();
    result_.reserve(source.size());
    result_.base = source.base;
  }

  void keep(char32_t c) { replace_one(c); }

  // The next `count` characters by `text`; false where the result becomes longer than the limit.
  bool replace(std::size_t count, std::string_view text) {
    std::size_t written = 0;
    for (std::size_t at = 0; at < text.size(); ++written) {
      if (result_.size() >= limit_) return false;
      const char32_t c = utf8::decode(text.substr(at));
      at += width(c);
      if (written < count) {
        replace_one(c);
      } else {
        result_.push(c, source_.spans[cursor_ - 1]);
        added_ = true;
      }
    }
    if (written < count && result_.size() > 0) remove(count - written);
    return true;
  }

 private:
  void replace_one(char32_t c) {
    result_.push(c, source_.spans[cursor_++]);
    added_ = false;
  }
  void remove(std::size_t count) {
    // One that was added becomes one that replaces the first of those that are removed.
    if (added_) result_.spans.back() = source_.spans[cursor_];
    added_ = false;
    cursor_ += count;
  }

  const Text& source_;
  Text& result_;
  std::size_t limit_, cursor_ = 0;
  bool added_ = false;  // the last character of the result
};

constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr auto kBase64Values = [] {
  std::array<int8_t, 256> values{};
  values.fill(-1);
  int8_t value = 0;
  for (const char digit : kBase64Digits) values[static_cast<unsigned char>(digit)] = value++;
  return values;
}();

// RFC 4648, section 4, with its padding; false where it is something else.
bool decode_base64(std::string_view text, std::string& bytes) {
  if (text.size() % 4 != 0) return false;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  text.remove_suffix(padding);
  bytes.resize(text.size() * 3 / 4);  // the padding was taken off
  char* out = bytes.data();
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int32_t digit = kBase64Values[static_cast<unsigned char>(c)];
    if (digit < 0) return false;
    bits = (bits & 0xFF) << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    *out++ = static_cast<char>(bits >> count & 0xFF);
  }
  return (bits & ((1u << count) - 1)) == 0;
}

}  // namespace

CharacterMap::CharacterMap(std::string_view bytes, const std::string& where) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorCode::malformed,
                where + ": the character map " + what + "; take the file from its source again");
  };
  if (bytes.size() > kMaxMapBytes) {
    fail("has " + std::to_string(bytes.size()) + " bytes; expected at most " +
         std::to_string(kMaxMapBytes));
  }
  if (bytes.size() < 4) fail("has no trie: it was cut short");
  const std::size_t units = read_word(bytes, 0) / 4;
  if (units > bytes.size() / 4 - 1) fail("was cut short inside its trie");
  if (units == 0) fail("has an empty trie");
  units_.resize(units);
  for (std::size_t i = 0; i < units; ++i) units_[i] = read_word(bytes, 4 + 4 * i);
  replacements_ = bytes.substr(4 + 4 * units);
  if (const std::size_t at = utf8::find_invalid(replacements_); at != utf8::kValid) {
    fail("has replacements that are not UTF-8, at byte " + std::to_string(at));
  }
  check_reachable(where);
  tabulate();
}

// Every state that any text leads to, once: find() then needs no checks.
void CharacterMap::check_reachable(const std::string& where) const {
  const auto require = [&](bool inside) {
    if (inside) return;
    throw Error(ErrorCode::malformed,
                where +
                    ": the character map points outside of itself; take the file from its source "
                    "again");
  };
  std::vector<bool> seen(units_.size());
  std::vector<uint32_t> states;
  const auto reach = [&](uint32_t state) {
    require((state | 0xFF) < units_.size());
    if (seen[state]) return;
    seen[state] = true;
    states.push_back(state);
  };
  reach(offset(units_[0]));
  while (!states.empty()) {
    const uint32_t state = states.back();
    states.pop_back();
    const uint32_t block = state & ~0xFFu, low = state & 0xFF;
    for (uint32_t i = 0; i < 256;) {
      if (i % kTogether == 0 && !any_child(&units_[block + i], i ^ low)) {
        i += kTogether;
        continue;
      }
      const uint32_t byte = i ^ low, unit = units_[block + i++];
      if (byte == 0 || label(unit) != byte) continue;
      const uint32_t next = state ^ byte ^ offset(unit);
      reach(next);
      if (!(unit & kLeaf)) continue;
      const uint32_t place = value(units_[next]);
      require(place <= replacements_.size() &&
              (place == replacements_.size() ||
               (static_cast<unsigned char>(replacements_[place]) & 0xC0) != 0x80));
    }
  }
}

bool CharacterMap::step(Walk& walk, unsigned char byte) const noexcept {
  const uint32_t unit = units_[walk.state ^ byte];
  if (byte == 0 || label(unit) != byte) return false;
  walk.state ^= byte ^ offset(unit);
  if (!(unit & kLeaf)) return true;
  walk.place = static_cast<int32_t>(value(units_[walk.state]));
  return false;
}

bool CharacterMap::steps(Walk& walk, std::string_view bytes) const noexcept {
  for (const char byte : bytes) {
    if (!step(walk, static_cast<unsigned char>(byte))) return false;
  }
  return true;
}

int32_t CharacterMap::find(std::string_view utf8) const noexcept {
  Walk walk{offset(units_[0])};
  steps(walk, utf8);
  return walk.place;
}

// Characters that differ in their last byte alone are walked to together: most lead nowhere.
void CharacterMap::tabulate() {
  constexpr uint32_t kLast = 64;  // values of a last byte
  index_.assign(0x1100, 0);
  characters_.assign(256, kNone);
  std::string utf8;
  for (uint32_t first = 0; first < 0x110000; first += kLast) {
    if (first >= 0xD800 && first < 0xE000) continue;  // surrogates
    utf8.clear();
    utf8::append(utf8, first);
    const auto last = static_cast<unsigned char>(utf8.back());
    utf8.pop_back();
    Walk start{offset(units_[0])};
    if (!steps(start, utf8) && start.place == kNone) continue;
    for (uint32_t i = 0; i < kLast; ++i) {
      Walk walk = start;
      if (walk.place == kNone) step(walk, static_cast<unsigned char>(last + i));
      if (walk.place != kNone) set(first + i, walk.place);
    }
  }
}

void CharacterMap::set(char32_t c, int32_t place) {
  uint16_t& block = index_[c >> 8];
  if (block == 0) {
    block = static_cast<uint16_t>(characters_.size() >> 8);
    characters_.resize(characters_.size() + 256, kNone);
  }
  characters_[static_cast<std::size_t>(block) << 8 | (c & 0xFF)] = place;
}

void PrecompiledNormalizer::rewrite(Text& text, Call& call) const {
  const GraphemeTable& flags = GraphemeTable::get();
  const std::u32string_view chars = text.chars;
  constexpr uint16_t kMayJoin = kJoins | kHangulL | kHangulV | kHangulT | kPicture | kConsonant;
  const auto alone = [&](std::size_t i) {
    return !(flags(chars[i]) & kPrepend) && chars[i] != U'\r' &&
           (i + 1 == chars.size() || !(flags(chars[i + 1]) & kMayJoin));
  };
  std::size_t plain = 0;
  while (plain < chars.size() && alone(plain) && map_.find(chars[plain]) == CharacterMap::kNone) {
    ++plain;
  }
  if (plain == chars.size()) return;

  MapRewriter rewriter(text, call.scratch.rewritten, text.size() + call.allowance.growth());
  const auto replace = [&](std::size_t count, int32_t place) {
    if (!rewriter.replace(count, map_.replacement(place))) call.allowance.refuse(name());
  };
  std::string utf8;
  for (std::size_t i = 0; i < chars.size();) {
    const std::size_t end = i < plain || alone(i) ? i + 1 : grapheme_end(chars, i, flags);
    std::size_t bytes = 0;
    for (std::size_t at = i; at < end && bytes <= kMaxClusterBytes; ++at) bytes += width(chars[at]);
    if (end - i > 1 && bytes <= kMaxClusterBytes) {
      utf8.clear();
      for (std::size_t at = i; at < end; ++at) utf8::append(utf8, chars[at]);
      if (const int32_t place = map_.find(utf8); place != CharacterMap::kNone) {
        replace(end - i, place);
        i = end;
        continue;
      }
    }
    for (; i < end; ++i) {
      const int32_t place = map_.find(chars[i]);
      if (place == CharacterMap::kNone) {
        rewriter.keep(chars[i]);
      } else {
        replace(1, place);
      }
    }
  }
  std::swap(text.chars, call.scratch.rewritten.chars);
  std::swap(text.spans, call.scratch.rewritten.spans);
}

CharacterMap read_character_map(const JsonValue& node) {
  const JsonValue member = node.at("precompiled_charsmap");
  std::string bytes;
  if (!decode_base64(member.string(), bytes)) member.expected("base64 with its padding");
  return CharacterMap(bytes, member.path());
}

}  // namespace sapwood
