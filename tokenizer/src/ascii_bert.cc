#include "ascii_bert.h"

namespace sapwood {
namespace {

constexpr bool is_boundary(char c) noexcept {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

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
  out.push(*model.unk_id(), whole, word);
}

// The first byte from `at` on that is not space, tab or line end.
std::size_t skip_space(std::string_view text, std::size_t at) noexcept {
  while (at < text.size() && is_boundary(text[at])) ++at;
  return at;
}

// The next space, tab or line end from `at` on, or the end.
std::size_t chunk_end(std::string_view text, std::size_t at) noexcept {
  while (at < text.size() && !is_boundary(text[at])) ++at;
  return at;
}

}  // namespace

AsciiBert::AsciiBert(const BertNormalizerOptions& options, const WordPiece& model) : model_(model) {
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

Range AsciiBert::tokenize(std::string_view text, std::size_t at, Progress& progress, Call&) const {
  while (at < text.size() && !progress.full()) {
    const std::size_t begin = skip_space(text, at);
    progress.code_point += static_cast<uint32_t>(begin - at);
    at = begin;
    if (begin == text.size()) break;
    at = chunk(text, begin, progress);
    if (at == begin) return {begin, chunk_end(text, begin)};
  }
  return {at, at};
}

std::string AsciiBert::mapped(std::string_view word) const {
  std::string out(word);
  for (char& c : out) c = map_[static_cast<unsigned char>(c)];
  return out;
}

// In the loop over words, which would lose registers to a call.
[[gnu::always_inline]] inline AsciiBert::Letters AsciiBert::read_letters(std::string_view text,
                                                                         std::size_t at,
                                                                         char* normalized) const {
  uint64_t hash = model_.vocabulary().seed();
  std::size_t length = 0;
  while (at + length < text.size()) {
    const auto b = static_cast<unsigned char>(text[at + length]);
    if (kind_[b] != kWord) break;
    if (length == kMostLetters) break;
    normalized[length++] = map_[b];
    hash = Vocabulary::step(hash, static_cast<unsigned char>(map_[b]));
  }
  std::size_t end = at + length;
  while (end < text.size() && kind_[static_cast<unsigned char>(text[end])] == kWord) ++end;
  return {length, hash, end};
}

std::size_t AsciiBert::chunk(std::string_view text, std::size_t at, Progress& progress) const {
  Tokens& out = progress.out;
  const std::size_t start = at, tokens_before = out.size();
  const WordPiece& model = model_;
  const Vocabulary& vocabulary = model.vocabulary();
  const uint64_t seed = vocabulary.seed();
  const uint32_t code_point = progress.code_point;
  auto position = [&](std::size_t i) { return code_point + static_cast<uint32_t>(i - start); };
  int32_t word = progress.word;

  while (at < text.size()) {
    const auto first = static_cast<unsigned char>(text[at]);
    const uint8_t kind = kind_[first];
    if (kind == kSpace) break;
    if (kind == kOther) {
      out.truncate(tokens_before);
      return start;
    }
    if (kind == kPunct) {
      const char c = text[at];
      const uint64_t hash = Vocabulary::step(seed, first);
      const int32_t id = vocabulary.find(hash, {}, {&c, 1});
      const bool known = id >= 0 && model.max_chars_per_word() >= 1;
      out.push(known ? id : *model.unk_id(), {position(at), position(at + 1)}, word++);
      ++at;
      continue;
    }

    char buffer[kMostLetters];
    const Letters letters = read_letters(text, at, buffer);
    const std::size_t length = letters.end - at;
    const Span whole{position(at), position(letters.end)};
    const std::string_view normalized(buffer, letters.size);
    if (length > model.max_chars_per_word()) {
      out.push(*model.unk_id(), whole, word++);
    } else if (length > letters.size) {
      push_pieces(mapped(text.substr(at, length)), whole, word++, model, out);
    } else if (const int32_t id = vocabulary.find(letters.hash, {}, normalized); id >= 0) {
      out.push(id, whole, word++);
    } else {
      push_pieces(normalized, whole, word++, model, out);
    }
    at = letters.end;
  }
  progress.code_point = position(at);
  progress.word = word;
  return at;
}

}  // namespace sapwood
