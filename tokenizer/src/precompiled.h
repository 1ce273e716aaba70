// SentencePiece's normalizer: a map of characters that comes with the model.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "normalizer.h"

namespace sapwood {

// What a text begins with to what stands for it. Format: tables/charsmap.py.
class CharacterMap {
 public:
  // Error malformed where it is cut short, has no trie, points outside of itself or is not UTF-8;
  // `where` names it.
  CharacterMap(std::string_view bytes, const std::string& where);

  // The replacement of the shortest beginning of the text that the map has, as a place in the
  // replacements; kNone where it has none. (The reference's rule, too; SentencePiece itself takes
  // the longest.)
  static constexpr int32_t kNone = -1;
  int32_t find(std::string_view utf8) const noexcept;
  // The same for one character.
  int32_t find(char32_t c) const noexcept {
    return characters_[static_cast<uint32_t>(index_[c >> 8]) << 8 | (c & 0xff)];
  }

  // The text of a replacement, UTF-8.
  std::string_view replacement(int32_t place) const noexcept {
    return replacements_.data() + place;
  }

 private:
  struct Walk {
    uint32_t state;
    int32_t place = kNone;
  };
  // Goes on by a byte; false where the walk ends, there or with a replacement.
  bool step(Walk& walk, unsigned char byte) const noexcept;
  bool steps(Walk& walk, std::string_view bytes) const noexcept;

  void check_reachable(const std::string& where) const;
  void tabulate();
  void set(char32_t c, int32_t place);

  std::vector<uint32_t> units_;
  std::string replacements_;  // each ended by a zero byte
  // find() for every character; the first block is of characters that are not in the map.
  std::vector<uint16_t> index_;
  std::vector<int32_t> characters_;
};

class PrecompiledNormalizer final : public Normalizer {
 public:
  explicit PrecompiledNormalizer(CharacterMap map) : map_(std::move(map)) {}

 private:
  void rewrite(Text& text, Call& call) const override;
  const char* name() const noexcept override { return "the normalizer Precompiled"; }

  CharacterMap map_;
};

// The map of a normalizer's member "precompiled_charsmap". Errors as CharacterMap; malformed where it
// is not base64.
CharacterMap read_character_map(const JsonValue& node);

}  // namespace sapwood
