#include "wordpiece.h"

#include "base/quote.h"
#include "sapwood/error.h"
#include "sapwood/utf8.h"
#include "text.h"

namespace sapwood {

WordPiece::WordPiece(Vocabulary vocabulary, std::string unk_token, std::string continuing_prefix,
                     std::size_t max_chars_per_word)
    : vocabulary_(std::move(vocabulary)),
      unk_token_(std::move(unk_token)),
      prefix_(std::move(continuing_prefix)),
      max_chars_per_word_(max_chars_per_word),
      unk_id_(vocabulary_.find(unk_token_)),
      prefix_hash_(vocabulary_.seed()),
      longest_(vocabulary_.max_token_bytes()) {
  if (unk_id_ < 0) {
    throw Error(ErrorCode::malformed, "the vocabulary lacks the token for unknown words, " +
                                          quote(unk_token_) +
                                          ": add it, or name the right one as unk_token");
  }
  for (char c : prefix_)
    prefix_hash_ = Vocabulary::step(prefix_hash_, static_cast<unsigned char>(c));
  if (longest_ > kMaxTokenBytes) longest_ = longest_that_can_match();
}

std::size_t WordPiece::longest_that_can_match() const {
  std::size_t longest = 0;
  for (int32_t id = 0; id < vocabulary_.size(); ++id) {
    const std::string_view token = vocabulary_.token(id);
    if (token.size() <= longest) continue;
    const std::size_t prefix = token.starts_with(prefix_) ? utf8::count(prefix_) : 0;
    if (utf8::count(token) - prefix > max_chars_per_word_) continue;
    longest = token.size();
    if (longest <= kMaxTokenBytes) continue;
    throw Error(ErrorCode::malformed,
                "model.vocab: the token " + quote(token) + " has " + std::to_string(longest) +
                    " bytes; expected at most " + std::to_string(kMaxTokenBytes) +
                    " in tokens that max_input_chars_per_word lets match: take it out, or lower "
                    "max_input_chars_per_word (100 is usual)");
  }
  return longest;
}

}  // namespace sapwood
