#include "offset_trimmer.h"

#include <algorithm>

#include "base/quote.h"
#include "byte_level.h"
#include "sapwood/error.h"
#include "sapwood/utf8.h"
#include "unicode.h"

namespace sapwood {
namespace {

bool is_space(char32_t c) {
  return c == byte_level_char(' ') || (unicode::FlagTable::get()(c) & unicode::kSpace);
}

}  // namespace

OffsetTrimmer::OffsetTrimmer(const Vocabulary& vocabulary, const std::vector<AddedToken>& added,
                             bool prefix_space)
    : prefix_space_(prefix_space), spaces_(static_cast<std::size_t>(vocabulary.size())) {
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    if (vocabulary.has(id)) set(id, vocabulary.token(id));
  }
  for (const AddedToken& token : added) set(token.id, token.content);
}

void OffsetTrimmer::set(int32_t id, std::string_view token) {
  const auto at = static_cast<std::size_t>(id);
  if (at >= spaces_.size()) spaces_.resize(at + 1);
  spaces_[at] = count(token);
  if (std::max(spaces_[at].leading, spaces_[at].trailing) < kMaxSpaces) return;
  throw Error(ErrorCode::malformed,
              "the token " + quote(token) + " begins or ends with " + std::to_string(kMaxSpaces) +
                  " characters of white space or more: take it out, or set trim_offsets to false");
}

// Both are counted over the whole token, so that one of white space alone loses all of it twice.
OffsetTrimmer::Spaces OffsetTrimmer::count(std::string_view token) {
  uint32_t leading = 0, trailing = 0;
  bool in_front = true;
  while (!token.empty()) {
    const bool space = is_space(utf8::decode(token));
    in_front = in_front && space;
    leading += in_front;
    trailing = space ? trailing + 1 : 0;
    token.remove_prefix(utf8::sequence_length(token));
  }
  return {static_cast<uint16_t>(std::min(leading, kMaxSpaces)),
          static_cast<uint16_t>(std::min(trailing, kMaxSpaces))};
}

Span OffsetTrimmer::trim(Span span, Spaces spaces, bool first) const {
  if (spaces.leading > 0) {
    // The one space of the first token may be the pre-tokenizer's; several are the text's.
    const bool kept = prefix_space_ && spaces.leading == 1 && (first || span.start == 0);
    if (!kept) span.start = std::min(span.start + spaces.leading, span.end);
  }
  if (spaces.trailing > 0 && span.end >= spaces.trailing) {
    span.end = std::max(span.end - spaces.trailing, span.start);
  }
  return span;
}

}  // namespace sapwood
