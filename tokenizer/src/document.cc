#include "document.h"

#include <limits>

#include "repeated.h"

namespace sapwood {

TokenizerDocument read_tokenizer_json(std::string text, std::string where) {
  TokenizerDocument document{JsonDocument::parse(std::move(text), std::move(where)), {}};
  const JsonValue vocab = document.json.root().at("model").at("vocab");
  if (!vocab.is_object()) vocab.expected("an object");
  document.vocabulary.reserve(vocab.size());
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  for (const JsonValue token : vocab.members()) {
    document.vocabulary.push_back({token.key(), token.integer(-kMost, kMost)});
  }
  if (!document.json.doubled_keys().empty()) keep_last(document.vocabulary);
  return document;
}

std::string open_document(const JsonDocument& json, std::string_view sapwood) {
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
    if (member.key() == "vocab" || member.key() == "sapwood") continue;
    writer.key(member.key());
    member.write(writer);
  }
  if (!sapwood.empty()) writer.key("sapwood").raw(sapwood);
  return out;
}

std::string with_vocabulary(std::string out, const std::vector<VocabularyEntry>& tokens) {
  if (out.back() != '{') out += ',';
  out += "\"vocab\":";
  JsonWriter writer(out);
  writer.begin_object();
  for (const VocabularyEntry& token : tokens) writer.member(token.token, token.id);
  writer.end();
  return out += "}}";
}

}  // namespace sapwood
