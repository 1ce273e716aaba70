#include "impl.h"

namespace sapwood {

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
  return join(tokens);
}

std::string Tokenizer::join(std::span<const std::string> tokens) const {
  if (impl_->decoder) return impl_->decoder->join(tokens);
  std::string text;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0) text += ' ';
    text += tokens[i];
  }
  return text;
}

}  // namespace sapwood
