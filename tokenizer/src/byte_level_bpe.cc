#include "byte_level_bpe.h"

#include <algorithm>

#include "sapwood/utf8.h"

namespace sapwood {

// A word of the pre-tokenizer.
struct ByteLevelBpe::Word {
  std::string_view bytes;  // of the text
  bool prefixed;           // the space before it is not the text's
};

// The text as gpt2_match_end reads it, perhaps with a space before it.
class ByteLevelBpe::Utf8 {
 public:
  Utf8(std::string_view text, const uint8_t* kinds, bool prefixed)
      : text_(text), kinds_(kinds), prefixed_(prefixed) {}

  std::size_t size() const { return text_.size() + prefixed_; }
  std::size_t next(std::size_t at) const {
    const unsigned char lead = byte(at);
    if (lead < 0x80) return at + 1;
    return at + (lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4);
  }
  bool is(std::size_t at, char c) const { return byte(at) == static_cast<unsigned char>(c); }
  uint8_t kind(std::size_t at) const {
    const char32_t lead = byte(at);
    if (lead < 0x80) return kinds_[lead];
    const auto more = [&](std::size_t i) { return static_cast<char32_t>(byte(at + i) & 0x3F); };
    if (lead < 0xE0) return classes_((lead & 0x1F) << 6 | more(1));
    if (lead < 0xF0) return classes_((lead & 0x0F) << 12 | more(1) << 6 | more(2));
    return classes_((lead & 0x07) << 18 | more(1) << 12 | more(2) << 6 | more(3));
  }

 private:
  unsigned char byte(std::size_t at) const {
    return prefixed_ && at == 0 ? ' ' : static_cast<unsigned char>(text_[at - prefixed_]);
  }

  const unicode::FlagTable& classes_ = unicode::FlagTable::classes();
  std::string_view text_;
  const uint8_t* kinds_;
  bool prefixed_;
};

std::unique_ptr<const Shortcut> ByteLevelBpe::make(const Bpe& model, const Normalizer* normalizer,
                                                   const PreTokenizer* pre_tokenizer) {
  const auto* form = dynamic_cast<const UnicodeNormalizer*>(normalizer);
  if (normalizer && (!form || form->form() != NormalForm::nfc)) return nullptr;
  const auto* byte_level = dynamic_cast<const ByteLevelPreTokenizer*>(pre_tokenizer);
  if (!byte_level || !byte_level->use_regex()) return nullptr;
  for (int byte = 0; byte < 256; ++byte) {
    if (model.character(byte_level_char(static_cast<uint8_t>(byte))) < 0) return nullptr;
  }
  return std::unique_ptr<const Shortcut>(
      new ByteLevelBpe(model, normalizer != nullptr, byte_level->add_prefix_space()));
}

ByteLevelBpe::ByteLevelBpe(const Bpe& model, bool nfc, bool prefix_space)
    : model_(model), nfc_(nfc), prefix_space_(prefix_space) {
  std::string encoded;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const char32_t c = byte_level_char(static_cast<uint8_t>(byte));
    ids_[byte] = model.character(c);
    encoded.clear();
    utf8::append(encoded, c);
    encoded_size_[byte] = static_cast<uint8_t>(encoded.size());
    std::copy(encoded.begin(), encoded.end(), encoded_[byte]);
  }
  for (char32_t c = 0; c < 128; ++c) kinds_[c] = unicode::FlagTable::classes()(c);
}

bool ByteLevelBpe::ends_in_white_space(std::string_view text) const {
  std::size_t at = text.size() - 1;
  while ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return Utf8(text, kinds_, false).kind(at) == unicode::kWhite;
}

std::size_t ByteLevelBpe::boundary_before(std::string_view text, std::size_t begin,
                                          std::size_t at) const {
  for (; at > begin; --at) {
    if (text[at] == ' ' && !ends_in_white_space(text.substr(0, at))) break;
  }
  return at;
}

std::size_t ByteLevelBpe::boundary_after(std::string_view text, std::size_t at) const {
  for (++at; at < text.size(); ++at) {
    if (text[at] == ' ' && !ends_in_white_space(text.substr(0, at))) break;
  }
  return at;
}

// The token that has the word's text, or -1.
int32_t ByteLevelBpe::find(const Word& word) const {
  if (word.bytes.size() >= kMostBytes) return -1;
  char encoded[2 * kMostBytes];
  std::size_t size = 0;
  uint64_t hash = model_.vocabulary().seed();
  const auto add = [&](unsigned char byte) {
    for (std::size_t i = 0; i < encoded_size_[byte]; ++i) {
      encoded[size++] = encoded_[byte][i];
      hash = Vocabulary::step(hash, static_cast<unsigned char>(encoded_[byte][i]));
    }
  };
  if (word.prefixed) add(' ');
  for (const char c : word.bytes) add(static_cast<unsigned char>(c));
  return model_.vocabulary().find(hash, {}, {encoded, size});
}

void ByteLevelBpe::push(const Word& word, Progress& progress, Call& call) const {
  const int32_t number = progress.word++;
  const uint32_t start = progress.code_point;
  const int32_t token = find(word);
  if (const int32_t id = model_.whole(token); id >= 0) {
    progress.code_point += static_cast<uint32_t>(utf8::count(word.bytes));
    // The space before the text stands for the text's first character.
    progress.out.push(id, {start, std::max(progress.code_point, start + 1)}, number);
    return;
  }
  std::vector<BpeSymbol>& symbols = call.scratch.symbols;
  symbols.clear();
  if (word.prefixed) symbols.push_back({ids_[static_cast<unsigned char>(' ')], 1, 0, 0});
  for (const char c : word.bytes) symbols.push_back({ids_[static_cast<unsigned char>(c)], 1, 0, 0});
  const std::size_t size = symbols.size();
  model_.merges().apply(symbols, call.scratch.candidates);
  model_.remember(token, symbols, size);
  const char* byte = word.bytes.data();
  uint32_t end = start;  // the character behind the one that the last byte belongs to
  bool prefix = word.prefixed;
  for (const BpeSymbol& symbol : symbols) {
    const uint32_t bytes = symbol.length - prefix;
    const bool inside = bytes > 0 && (static_cast<unsigned char>(*byte) & 0xC0) == 0x80;
    const uint32_t begin = inside ? end - 1 : end;
    for (const char* const stop = byte + bytes; byte < stop; ++byte) {
      end += (static_cast<unsigned char>(*byte) & 0xC0) != 0x80;
    }
    progress.out.push(symbol.id, {begin, std::max(end, begin + 1)}, number);
    prefix = false;
  }
  progress.code_point = end;
}

Range ByteLevelBpe::tokenize(std::string_view text, std::size_t at, Progress& progress,
                             Call& call) const {
  std::size_t end = text.size(), left = end;
  if (nfc_) {
    // No byte of a character before U+0300 is 0xCC or more.
    const auto beyond = std::find_if(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(),
                                     [](char c) { return static_cast<unsigned char>(c) >= 0xCC; });
    if (beyond != text.end()) {
      const auto first = static_cast<std::size_t>(beyond - text.begin());
      end = boundary_before(text, at, first);
      left = boundary_after(text, first);
    }
  }
  const std::string_view taken = text.substr(0, end);
  if (at == 0 && end > 0 && prefix_space_ && text[0] != ' ') {
    at = gpt2_match_end(Utf8(taken, kinds_, true), 0) - 1;
    push({taken.substr(0, at), true}, progress, call);
  }
  const Utf8 view(taken, kinds_, false);
  while (at < end && !progress.full()) {
    const std::size_t stop = gpt2_match_end(view, at);
    push({taken.substr(at, stop - at), false}, progress, call);
    at = stop;
  }
  return {at, at < end ? at : left};
}

}  // namespace sapwood
