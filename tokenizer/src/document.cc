#include "document.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/large_pages.h"
#include "repeated.h"
#include "sapwood/utf8.h"
#include "subword_model.h"

namespace sapwood {
namespace {

constexpr char kLineEnd = '\n';

}  // namespace

bool has_line_end(std::string_view token) noexcept {
  return token.find(kLineEnd) != std::string_view::npos;
}

std::string vocabulary_lines(const Vocabulary& vocabulary) {
  std::string lines;
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    if (vocabulary.has(id) && !has_line_end(vocabulary.token(id))) lines += vocabulary.token(id);
    lines += kLineEnd;
  }
  return lines;
}

std::vector<VocabularyEntry> read_lines(std::string_view text) {
  constexpr std::string_view kWhat = "the vocabulary's text";
  const std::size_t invalid = utf8::find_invalid(text);
  if (invalid != utf8::kValid) {
    throw Error(ErrorCode::malformed,
                std::string(kWhat) + " is not UTF-8 at byte " + std::to_string(invalid));
  }
  if (!text.empty() && text.back() != kLineEnd) {
    throw Error(ErrorCode::malformed,
                std::string(kWhat) + ": expected a line end at its end: it was cut short");
  }
  std::vector<VocabularyEntry> entries;
  entries.reserve(static_cast<std::size_t>(std::count(text.begin(), text.end(), kLineEnd)));
  advise_large_pages(entries.data(), entries.capacity() * sizeof(VocabularyEntry));
  const char* const text_end = text.data() + text.size();
  const char* line = text.data();
  for (int64_t id = 0; line < text_end; ++id) {
    // Faster for short lines than a loop, whose end is guessed wrong for each of them. There is one.
    const auto* const end = static_cast<const char*>(
        std::memchr(line, kLineEnd, static_cast<std::size_t>(text_end - line)));
    if (end > line) entries.push_back({{line, end}, id});
    line = end + 1;
  }
  return entries;
}

std::vector<VocabularyEntry> take_vocabulary(TokenizerDocument& document) {
  const JsonValue vocab = document.json.root().at("model").at("vocab");
  if (!vocab.is_object()) vocab.expected("an object");
  std::vector<VocabularyEntry> entries;
  entries.reserve(vocab.size());
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  for (const JsonValue token : vocab.members()) {
    entries.push_back({token.key(), token.integer(-kMost, kMost)});
  }
  if (!document.json.doubled_keys().empty()) keep_last(entries);
  std::vector<VocabularyEntry> outside = std::move(document.vocabulary);
  if (entries.empty()) return outside;
  entries.insert(entries.end(), outside.begin(), outside.end());
  return entries;
}

void write_vocabulary(const Vocabulary& vocabulary, JsonWriter& model,
                      std::vector<Tokenizer::Table>* tables) {
  model.key("vocab").begin_object();
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    if (!vocabulary.has(id)) continue;
    const std::string_view token = vocabulary.token(id);
    if (!tables || has_line_end(token)) model.member(token, id);
  }
  model.end();
  if (tables) tables->push_back({std::string(kVocabularyTable), vocabulary_lines(vocabulary)});
}

std::string open_document(const JsonDocument& json, const SubwordModel& model,
                          std::string_view sapwood) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object();
  for (const JsonValue member : json.root().members()) {
    if (member.key() == "model") continue;
    writer.key(member.key());
    member.write(writer);
  }
  writer.key("model").begin_object();
  for (const JsonValue member : json.root().at("model").members()) {
    if (model.is_table(member.key()) || member.key() == "sapwood") continue;
    writer.key(member.key());
    member.write(writer);
  }
  if (!sapwood.empty()) writer.key("sapwood").raw(sapwood);
  return out;
}

std::string close_document(std::string out, const SubwordModel& model,
                           std::vector<Tokenizer::Table>* tables) {
  std::string members;
  JsonWriter writer(members);
  writer.begin_object();
  model.write_tables(writer, tables);
  writer.end();
  if (out.back() != '{') out += ',';
  return out.append(members, 1).append("}");
}

}  // namespace sapwood
