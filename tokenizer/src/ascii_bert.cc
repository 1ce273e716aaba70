#include "ascii_bert.h"

namespace sapwood {
namespace {

constexpr bool is_boundary(char c) noexcept {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

// Words up to this length are looked up whole while they are read; it is more than any English word
// and less than every limit on the characters of a word that is in use.
constexpr std::size_t kBuffer = 64;

// A word that is no token as a whole. Apart from the loop over words, which rarely comes here and
// would lose registers to it.
[[gnu::noinline]] void push_pieces(std::string_view normalized, Span whole, int32_t word,
                                   const WordPiece& model, Tokens& out) {
  const std::size_t before = out.size();
  const bool known = model.split(normalized, [&](int32_t id, std::size_t begin, std::size_t end) {
    out.push(id,
             {whole.start + static_cast<uint32_t>(begin), whole.start + static_cast<uint32_t>(end)},
             word);
  });
  if (known) return;
  out.truncate(before);
  out.push(model.unk_id(), whole, word);
}

}  // namespace

AsciiBert::AsciiBert(const BertNormalizerOptions& options) {
  for (int b = 0; b < 256; ++b) {
    const char c = static_cast<char>(b);
    const bool upper = c >= 'A' && c <= 'Z';
    const bool alphanumeric = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    map_[b] = upper && options.lowercase ? static_cast<char>(b + 32) : c;
    kind_[b] = is_boundary(c)         ? kSpace
               : b < 0x20 || b > 0x7E ? kOther
               : alphanumeric         ? kWord
                                      : kPunct;
  }
}

std::size_t AsciiBert::skip_space(std::string_view text, std::size_t at) noexcept {
  while (at < text.size() && is_boundary(text[at])) ++at;
  return at;
}

std::size_t AsciiBert::chunk_end(std::string_view text, std::size_t at) noexcept {
  while (at < text.size() && !is_boundary(text[at])) ++at;
  return at;
}

std::string AsciiBert::mapped(std::string_view word) const {
  std::string out(word);
  for (char& c : out) c = map_[static_cast<unsigned char>(c)];
  return out;
}

std::size_t AsciiBert::chunk(std::string_view text, std::size_t at, uint32_t code_point,
                             const WordPiece& model, int32_t& word, Tokens& out) const {
  const std::size_t start = at, tokens_before = out.size();
  const int32_t words_before = word;
  const Vocabulary& vocabulary = model.vocabulary();
  auto give_up = [&] {
    out.truncate(tokens_before);
    word = words_before;
    return start;
  };
  const uint64_t seed = vocabulary.seed();
  auto position = [&](std::size_t i) { return code_point + static_cast<uint32_t>(i - start); };

  while (at < text.size()) {
    const auto first = static_cast<unsigned char>(text[at]);
    const uint8_t kind = kind_[first];
    if (kind == kSpace) break;
    if (kind == kOther) return give_up();
    if (kind == kPunct) {
      const char c = text[at];
      const uint64_t hash = Vocabulary::step(seed, first);
      const int32_t id = vocabulary.find(hash, {}, {&c, 1});
      const bool known = id >= 0 && model.max_chars_per_word() >= 1;
      out.push(known ? id : model.unk_id(), {position(at), position(at + 1)}, word++);
      ++at;
      continue;
    }

    char buffer[kBuffer];
    uint64_t hash = seed;
    std::size_t length = 0;
    while (at + length < text.size()) {
      const auto b = static_cast<unsigned char>(text[at + length]);
      if (kind_[b] != kWord) break;
      if (length == kBuffer) break;
      buffer[length++] = map_[b];
      hash = Vocabulary::step(hash, static_cast<unsigned char>(map_[b]));
    }
    std::size_t end = at + length;
    while (end < text.size() && kind_[static_cast<unsigned char>(text[end])] == kWord) ++end;
    const Span whole{position(at), position(end)};
    const std::string_view normalized(buffer, length);
    if (end - at > model.max_chars_per_word()) {
      out.push(model.unk_id(), whole, word++);
    } else if (end - at > length) {
      push_pieces(mapped(text.substr(at, end - at)), whole, word++, model, out);
    } else if (const int32_t id = vocabulary.find(hash, {}, normalized); id >= 0) {
      out.push(id, whole, word++);
    } else {
      push_pieces(normalized, whole, word++, model, out);
    }
    at = end;
  }
  return at;
}

}  // namespace sapwood
