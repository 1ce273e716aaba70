#include "wordpiece.h"

#include <limits>

#include "ascii_bert.h"
#include "base/quote.h"
#include "sapwood/error.h"
#include "sapwood/utf8.h"

namespace sapwood {

WordPiece::WordPiece(Vocabulary vocabulary, int32_t unk_id, std::string continuing_prefix,
                     std::size_t max_chars_per_word)
    : SubwordModel(std::move(vocabulary), unk_id, std::move(continuing_prefix)),
      max_chars_per_word_(max_chars_per_word),
      prefix_hash_(this->vocabulary().seed()),
      longest_(this->vocabulary().max_token_bytes()) {
  for (char c : this->continuing_prefix()) {
    prefix_hash_ = Vocabulary::step(prefix_hash_, static_cast<unsigned char>(c));
  }
  if (longest_ > kMaxTokenBytes) longest_ = longest_that_can_match();
}

std::size_t WordPiece::longest_that_can_match() const {
  std::size_t longest = 0;
  for (int32_t id = 0; id < vocabulary().size(); ++id) {
    const std::string_view token = vocabulary().token(id);
    if (token.size() <= longest) continue;
    const std::string& start = continuing_prefix();
    const std::size_t prefix = token.starts_with(start) ? utf8::count(start) : 0;
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

void WordPiece::tokenize(Word& word) const {
  const bool known = word.characters() <= max_chars_per_word_ &&
                     split(word.utf8(), [&word](int32_t id, std::size_t begin, std::size_t end) {
                       word.push(id, begin, end);
                     });
  if (!known) word.replace(*unk_id());
}

std::unique_ptr<const Shortcut> WordPiece::shortcut(const Normalizer* normalizer,
                                                    const PreTokenizer* pre_tokenizer) const {
  const auto* bert = dynamic_cast<const BertNormalizer*>(normalizer);
  if (!bert || !dynamic_cast<const BertPreTokenizer*>(pre_tokenizer)) return nullptr;
  return std::make_unique<const AsciiBert>(bert->options(), *this);
}

std::unique_ptr<const SubwordModel> make_word_piece(TokenizerDocument& document) {
  const JsonValue model = document.json.root().at("model");
  Vocabulary vocabulary(take_vocabulary(document), "model.vocab");
  const std::string_view unk_token = model.at("unk_token").string();
  const int32_t unk_id = vocabulary.find(unk_token);
  if (unk_id < 0) {
    throw Error(ErrorCode::malformed, "the vocabulary lacks the token for unknown words, " +
                                          quote(unk_token) +
                                          ": add it, or name the right one as unk_token");
  }
  constexpr int64_t kMaxInt = std::numeric_limits<int32_t>::max();
  return std::make_unique<const WordPiece>(
      std::move(vocabulary), unk_id, std::string(model.at("continuing_subword_prefix").string()),
      static_cast<std::size_t>(model.at("max_input_chars_per_word").integer(0, kMaxInt)));
}

}  // namespace sapwood
