#include "wordpiece.h"

#include "sapwood/error.h"

namespace sapwood {

WordPiece::WordPiece(Vocabulary vocabulary, std::string unk_token, std::string continuing_prefix,
                     std::size_t max_chars_per_word)
    : vocabulary_(std::move(vocabulary)),
      unk_token_(std::move(unk_token)),
      prefix_(std::move(continuing_prefix)),
      max_chars_per_word_(max_chars_per_word),
      unk_id_(vocabulary_.find(unk_token_)),
      prefix_hash_(Vocabulary::kSeed) {
  if (unk_id_ < 0) {
    throw Error(ErrorCode::malformed, "the vocabulary lacks the token for unknown words, \"" +
                                          unk_token_ +
                                          "\": add it, or name the right one as unk_token");
  }
  for (char c : prefix_)
    prefix_hash_ = Vocabulary::step(prefix_hash_, static_cast<unsigned char>(c));
}

}  // namespace sapwood
