// The small tokenizer's tokenizer.json, changed in ways that files from outside may be.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "small_vocab.h"

namespace sapwood::test {

using Json = nlohmann::ordered_json;

inline Json bert_json() { return Json::parse(small_tokenizer().to_json()); }

inline Tokenizer load(const Json& json) { return Tokenizer::from_json(json.dump()); }

inline Json with_normalizer(const Json& normalizer) {
  Json json = bert_json();
  json["normalizer"] = normalizer;
  return json;
}

inline Json sequence(std::size_t n, const Json& part) {
  return {{"type", "Sequence"}, {"normalizers", Json(std::vector<Json>(n, part))}};
}

inline Json replace(const char* kind, const std::string& pattern, const std::string& content) {
  return {{"type", "Replace"}, {"pattern", {{kind, pattern}}}, {"content", content}};
}

inline Json added_token(int id, const std::string& content, bool lstrip, bool rstrip) {
  return {{"id", id},         {"content", content},  {"single_word", false}, {"lstrip", lstrip},
          {"rstrip", rstrip}, {"normalized", false}, {"special", false}};
}

// The small tokenizer with more added tokens.
inline Tokenizer with_added(std::vector<Json> tokens) {
  Json json = bert_json();
  for (Json& token : tokens) json["added_tokens"].push_back(std::move(token));
  return load(json);
}

inline std::string times(const std::string& part, std::size_t n) {
  std::string out;
  out.reserve(part.size() * n);
  for (std::size_t i = 0; i < n; ++i) out += part;
  return out;
}

}  // namespace sapwood::test
