// Offsets without the white space that tokens of byte-level BPE begin and end with: "trim_offsets" of
// the post-processors ByteLevel and RobertaProcessing.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "added_tokens.h"
#include "text.h"
#include "vocabulary.h"

namespace sapwood {

class OffsetTrimmer {
 public:
  // `prefix_space`: whether the pre-tokenizer may have put a space before the text, of which the
  // first token then loses nothing. Error malformed for a token that begins or ends with more than
  // kMaxSpaces characters of white space.
  OffsetTrimmer(const Vocabulary& vocabulary, const std::vector<AddedToken>& added,
                bool prefix_space);

  static constexpr uint32_t kMaxSpaces = 0xffff;

  // The span of a token of a text, in code points. `first`: whether it is the first of its window.
  Span trim(Span span, int32_t id, bool first) const {
    return trim(span, spaces_[static_cast<std::size_t>(id)], first);
  }
  // The same for a token that shows other text than the vocabulary has for its id.
  Span trim(Span span, std::string_view shown, bool first) const {
    return trim(span, count(shown), first);
  }

 private:
  struct Spaces {
    uint16_t leading = 0, trailing = 0;
  };

  static Spaces count(std::string_view token);
  Span trim(Span span, Spaces spaces, bool first) const;
  void set(int32_t id, std::string_view token);

  bool prefix_space_;
  std::vector<Spaces> spaces_;  // by id
};

}  // namespace sapwood
