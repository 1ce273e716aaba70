#include "unigram.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <limits>

#include "base/large_pages.h"
#include "base/quote.h"
#include "reference_number.h"
#include "sapwood/error.h"
#include "sapwood/utf8.h"

namespace sapwood {
namespace {

// What the reference takes from the lowest score for a character that is no token.
constexpr double kUnknownPenalty = 10;

uint64_t next_number() {
  static std::atomic<uint64_t> last = 0;
  return ++last;
}

[[noreturn]] void refuse_unknown(char32_t c) {
  std::string character;
  utf8::append(character, c);
  throw Error(ErrorCode::unsupported,
              "the character " + quote(character) +
                  " is no token of the model Unigram, and its unk_id, the token for unknown "
                  "characters, is missing: add unk_id to the tokenizer.json");
}

std::vector<int32_t> byte_ids(const Vocabulary& vocabulary) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::vector<int32_t> ids;
  for (int byte = 0; byte < 256; ++byte) {
    ids.push_back(
        vocabulary.find(std::string("<0x") + kDigits[byte >> 4] + kDigits[byte & 15] + '>'));
  }
  return ids;
}

[[noreturn]] void refuse(std::string_view what) {
  throw Error(ErrorCode::malformed, "the tables of the model Unigram: " + std::string(what) +
                                        ": convert the model again");
}

struct Pieces {
  std::vector<VocabularyEntry> entries;
  std::vector<double> scores;
};

// The pieces that stand in the JSON, in order, without ids.
Pieces read_json(const JsonValue& vocab) {
  if (!vocab.is_array()) vocab.expected("a list of tokens with their scores");
  Pieces pieces;
  const std::size_t count = vocab.size();
  pieces.entries.reserve(count);
  advise_large_pages(pieces.entries.data(), count * sizeof(VocabularyEntry));
  pieces.scores.reserve(count);
  for (const JsonValue piece : vocab.elements()) {
    if (!piece.is_array() || piece.size() != 2) piece.expected("a token and its score");
    auto member = piece.elements().begin();
    const std::string_view token = (*member).string();
    const JsonValue score = *++member;
    pieces.entries.push_back({token, static_cast<int64_t>(pieces.entries.size())});
    pieces.scores.push_back(reference_number(score.number_text()));
    if (!std::isfinite(pieces.scores.back())) score.expected("a number that a double can hold");
  }
  return pieces;
}

std::vector<double> read_scores(const NamedBuffer& table) {
  const std::span<const std::byte> bytes = table.bytes;
  if (bytes.size() % 8 != 0) refuse("the scores were cut short");
  std::vector<double> scores(bytes.size() / 8);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    uint64_t bits = 0;
    for (std::size_t b = 8; b > 0; --b) {
      bits = bits << 8 | static_cast<uint64_t>(bytes[8 * i + b - 1]);
    }
    scores[i] = std::bit_cast<double>(bits);
    if (!std::isfinite(scores[i])) {
      refuse("the score of the id " + std::to_string(i) + " is no finite number");
    }
  }
  return scores;
}

const NamedBuffer* find_table(const TokenizerDocument& document, std::string_view name) {
  const auto table = std::ranges::find(document.tables, name, &NamedBuffer::name);
  return table == document.tables.end() ? nullptr : &*table;
}

// Those of the JSON, or of the tables, where what a line cannot hold stands in the JSON, in order.
Pieces take_pieces(TokenizerDocument& document) {
  Pieces pieces = read_json(document.json.root().at("model").at("vocab"));
  std::vector<VocabularyEntry> lines = std::move(document.vocabulary);
  const NamedBuffer* const scores = find_table(document, kScoresTable);
  if (!scores) {
    if (!lines.empty() || !document.tables.empty()) refuse("there are tokens but no scores");
    return pieces;
  }
  pieces.scores = read_scores(*scores);
  const auto count = static_cast<int64_t>(pieces.scores.size());
  if (static_cast<int64_t>(lines.size() + pieces.entries.size()) != count ||
      (!lines.empty() && lines.back().id >= count)) {
    refuse(std::to_string(lines.size() + pieces.entries.size()) + " tokens have " +
           std::to_string(count) + " scores");
  }
  int64_t id = 0;
  auto line = lines.begin();
  for (VocabularyEntry& entry : pieces.entries) {
    for (; line != lines.end() && line->id == id; ++line) ++id;
    entry.id = id++;
  }
  lines.insert(lines.end(), pieces.entries.begin(), pieces.entries.end());
  pieces.entries = std::move(lines);
  return pieces;
}

}  // namespace

Unigram::Unigram(Vocabulary vocabulary, std::vector<double> scores, PieceTrie trie,
                 std::optional<int32_t> unk_id, bool byte_fallback)
    : SubwordModel(std::move(vocabulary), unk_id, ""),
      number_(next_number()),
      scores_(std::move(scores)),
      trie_(std::move(trie)),
      unknown_score_(*std::min_element(scores_.begin(), scores_.end()) - kUnknownPenalty) {
  if (byte_fallback) bytes_ = byte_ids(this->vocabulary());
}

void Unigram::find_path(std::u32string_view word, std::vector<PathStep>& path) const {
  path.assign(word.size() + 1, {0, PathStep::kNone, PathStep::kUnknown});
  const auto reach = [&](uint32_t start, std::size_t end, double score, uint32_t token) {
    PathStep& step = path[end];
    if (step.start != PathStep::kNone && !(score > step.score)) return false;
    step = {score, start, token};
    return true;
  };
  for (uint32_t start = 0; start < word.size(); ++start) {
    const double before = path[start].score;
    const std::size_t limit = std::min(word.size(), start + PieceTrie::kMaxTokenBytes);
    const PieceTrie::Node* node = trie_.next(trie_.root(), word[start]);
    // Whether the character is a token by itself.
    const bool known = node && node->is_token();
    for (std::size_t end = start + 1; node; node = trie_.next(*node, word[end++])) {
      if (node->is_token()) reach(start, end, node->score() + before, trie_.number(*node));
      if (end == limit) break;
    }
    if (!known && reach(start, start + 1, unknown_score_ + before, PathStep::kUnknown) &&
        !unk_id()) {
      refuse_unknown(word[start]);
    }
  }
}

// Most words of a text come again. As few places as fit into the second cache, and none for who encodes
// one short text.
SAPWOOD_WRAPS CachedWord* Unigram::place(EncodeScratch::Buffers& scratch,
                                         std::u32string_view word) const {
  constexpr std::size_t kPlaces = 1 << 12, kFirstWords = 128;
  if (word.size() > CachedWord::kMaxCharacters) return nullptr;
  if (scratch.cached.empty()) {
    if (++scratch.words_seen < kFirstWords) return nullptr;
    scratch.cached.resize(kPlaces);
  }
  uint64_t hash = number_;
  for (const char32_t c : word) hash = (hash ^ c) * 0x9e3779b97f4a7c15u;
  return &scratch.cached[hash >> 32 & (kPlaces - 1)];
}

void Unigram::tokenize(Word& word) const {
  const std::u32string_view text = word.text();
  CachedWord* const cached = place(word.scratch(), text);
  if (cached && cached->model == number_ &&
      text == std::u32string_view(cached->text, cached->characters)) {
    std::size_t begin = 0;
    for (std::size_t i = 0; i < cached->tokens; begin = cached->ends[i++]) {
      word.push_characters(cached->ids[i], begin, cached->ends[i]);
    }
    return;
  }
  find_path(text, word.scratch().path);
  push_path(word, cached);
}

void Unigram::push_path(Word& word, CachedWord* cached) const {
  const std::vector<PathStep>& path = word.scratch().path;
  std::vector<uint32_t>& cuts = word.scratch().cuts;
  cuts.clear();
  for (auto at = static_cast<uint32_t>(path.size() - 1); at > 0; at = path[at].start) {
    cuts.push_back(at);
  }
  bool keep = cached && cuts.size() <= CachedWord::kMaxTokens;
  if (keep) *cached = {};              // not the old word with new tokens
  std::size_t begin = 0, unknown = 0;  // unknown ones from here to `begin`
  for (auto end = cuts.rbegin(); end != cuts.rend(); ++end) {
    const uint32_t token = path[*end].token;
    const std::optional<int32_t> id = token == PathStep::kUnknown ? unk_id() : trie_.id(token);
    if (id != unk_id()) {
      if (unknown < begin) push_unknown(word, unknown, begin);
      word.push_characters(*id, begin, *end);
      unknown = *end;
      if (keep) {
        cached->ids[cached->tokens] = *id;
        cached->ends[cached->tokens++] = static_cast<uint8_t>(*end);
      }
    } else {
      keep = false;
    }
    begin = *end;
  }
  if (unknown < begin) push_unknown(word, unknown, begin);
  if (!keep) return;
  cached->model = number_;
  cached->characters = static_cast<uint8_t>(word.characters());
  std::ranges::copy(word.text(), cached->text);
}

void Unigram::push_unknown(Word& word, std::size_t begin, std::size_t end) const {
  std::string& bytes = word.scratch().word;
  bytes.clear();
  for (const char32_t c : word.text().substr(begin, end - begin)) utf8::append(bytes, c);
  // Several characters that are unknown one by one may be a token after all, if one of low score.
  if (const int32_t id = vocabulary().find(bytes); id >= 0) {
    word.push_characters(id, begin, end);
    return;
  }
  const auto byte_id = [&](char byte) { return bytes_[static_cast<unsigned char>(byte)]; };
  if (!bytes_.empty() && std::ranges::all_of(bytes, [&](char b) { return byte_id(b) >= 0; })) {
    for (const char byte : bytes) word.push_characters(byte_id(byte), begin, end);
    return;
  }
  word.push_characters(*unk_id(), begin, end, bytes);
}

void Unigram::write_tables(JsonWriter& model, std::vector<Tokenizer::Table>* tables) const {
  model.key("vocab").begin_array();
  for (int32_t id = 0; id < vocabulary().size(); ++id) {
    const std::string_view token = vocabulary().token(id);
    if (tables && !has_line_end(token)) continue;
    model.begin_array().value(token);
    model.raw(reference_number_text(scores_[static_cast<std::size_t>(id)])).end();
  }
  model.end();
  if (!tables) return;
  std::string scores;
  for (const double score : scores_) {
    auto bits = std::bit_cast<uint64_t>(score);
    for (int b = 0; b < 8; ++b, bits >>= 8) scores += static_cast<char>(bits & 0xFF);
  }
  tables->push_back({std::string(kVocabularyTable), vocabulary_lines(vocabulary())});
  tables->push_back({std::string(kScoresTable), std::move(scores)});
  if (std::string pieces = trie_.table(); !pieces.empty()) {
    tables->push_back({std::string(kPiecesTable), std::move(pieces)});
  }
}

namespace {

PieceTrie make_trie(const TokenizerDocument& document, const Vocabulary& vocabulary,
                    std::span<const double> scores) {
  if (const NamedBuffer* const pieces = find_table(document, kPiecesTable)) {
    if (auto trie = PieceTrie::from_table(pieces->bytes, vocabulary.size()))
      return *std::move(trie);
  }
  return PieceTrie(vocabulary, scores);
}

}  // namespace

std::unique_ptr<const SubwordModel> make_unigram(TokenizerDocument& document) {
  const JsonValue model = document.json.root().at("model");
  Pieces pieces = take_pieces(document);
  Vocabulary vocabulary(pieces.entries, "model.vocab");
  std::vector<VocabularyEntry>().swap(pieces.entries);  // before the trie takes memory
  PieceTrie trie = make_trie(document, vocabulary, pieces.scores);
  std::optional<int32_t> unk_id;
  if (model.has("unk_id")) {
    unk_id = model.integer("unk_id", 0, vocabulary.size() - 1);
  }
  return std::make_unique<const Unigram>(std::move(vocabulary), std::move(pieces.scores),
                                         std::move(trie), unk_id,
                                         model.boolean("byte_fallback", false));
}

}  // namespace sapwood
