#include "sapwood/tokenizer/word_piece_decoder.h"

#include <string_view>

#include "base/border.h"

namespace sapwood {
namespace {

struct Rule {
  std::string_view from, to;
  bool in_texts = true;  // transformers' list for whole texts has it too
};

// The references' order matters: " ' " goes before " 's".
constexpr Rule kRules[] = {
    {" .", "."},   {" ?", "?"},     {" !", "!"},     {" ,", ","},
    {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},   {" do not", " don't", false},
    {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
};

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  std::size_t at = text.find(from);
  if (at == std::string::npos) return;
  std::string result;
  result.reserve(text.size());
  std::size_t done = 0;
  for (; at != std::string::npos; at = text.find(from, done)) {
    result.append(text, done, at - done).append(to);
    done = at + from.size();
  }
  text = std::move(result.append(text, done));
}

}  // namespace

void clean_up_word(std::string& word) try {
  if (word.find(' ') == std::string::npos) return;  // every rule has one
  for (const Rule& rule : kRules) replace_all(word, rule.from, rule.to);
} catch (...) {
  throw_as_error();
}

void clean_up_text(std::string& text) try {
  for (const Rule& rule : kRules) {
    if (rule.in_texts) replace_all(text, rule.from, rule.to);
  }
} catch (...) {
  throw_as_error();
}

std::string WordPieceDecoder::join(std::span<const std::string> tokens) const try {
  std::string text, word;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string_view token = tokens[i];
    if (i == 0) {
      word = token;
    } else if (token.starts_with(prefix)) {
      word = token.substr(prefix.size());
    } else {
      (word = ' ') += token;
    }
    if (cleanup) clean_up_word(word);
    text += word;
  }
  return text;
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
