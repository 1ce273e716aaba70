#include <algorithm>

#include "impl.h"

namespace sapwood {
namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  std::size_t at = text.find(from);
  if (at == std::string::npos) return;
  std::string result;
  std::size_t done = 0;
  for (; at != std::string::npos; at = text.find(from, done)) {
    result.append(text, done, at - done);
    result += to;
    done = at + from.size();
  }
  result.append(text, done);
  text = std::move(result);
}

// Undoes the spaces that tokenising put around punctuation and English contractions.
void clean_up(std::string& token) {
  static constexpr std::string_view kRules[][2] = {
      {" .", "."},   {" ?", "?"},     {" !", "!"},     {" ,", ","},
      {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},   {" do not", " don't"},
      {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
  };
  for (const auto& rule : kRules) replace_all(token, rule[0], rule[1]);
}

}  // namespace

std::string WordPieceDecoder::join(std::vector<std::string> tokens) const {
  std::string text;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    std::string& token = tokens[i];
    if (i > 0) {
      if (token.compare(0, prefix.size(), prefix) == 0) {
        token.erase(0, prefix.size());
      } else {
        token.insert(0, 1, ' ');
      }
    }
    if (cleanup) clean_up(token);
    text += token;
  }
  return text;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special_tokens) const {
  std::vector<std::string> tokens;
  for (int32_t id : ids) {
    std::string token;
    const int32_t index = impl_->added.index_of(id);
    if (index >= 0) {
      token = impl_->added.decoded(static_cast<std::size_t>(index));
    } else if (impl_->model.vocabulary().has(id)) {
      token = impl_->model.vocabulary().token(id);
    } else {
      continue;
    }
    if (skip_special_tokens && impl_->added.is_special(token)) continue;
    tokens.push_back(std::move(token));
  }
  if (impl_->decoder) return impl_->decoder->join(std::move(tokens));
  std::string text;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0) text += ' ';
    text += tokens[i];
  }
  return text;
}

}  // namespace sapwood
