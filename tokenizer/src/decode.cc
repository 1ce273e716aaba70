// From ids back to text.
#include "base/border.h"
#include "impl.h"

namespace sapwood {
namespace {

// An id stands for a token of any length, so that few ids may ask for more text than there is
// memory.
constexpr std::size_t kMaxBytes = std::size_t{1} << 28;

class ByteCount {
 public:
  void add(std::string_view token) {
    bytes_ += token.size();
    if (bytes_ <= kMaxBytes) return;
    throw Error(ErrorCode::too_long, "the tokens of these ids have more than " +
                                         std::to_string(kMaxBytes) +
                                         " bytes together; give fewer ids at once");
  }

 private:
  std::size_t bytes_ = 0;
};

}  // namespace

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special_tokens) const try {
  std::vector<std::string> tokens;
  ByteCount count;
  for (int32_t id : ids) {
    std::string_view token;
    const int32_t index = impl_->added.index_of(id);
    if (index >= 0) {
      token = impl_->added.decoded(static_cast<std::size_t>(index));
    } else if (impl_->model->vocabulary().has(id)) {
      token = impl_->model->vocabulary().token(id);
    } else {
      continue;
    }
    if (skip_special_tokens && impl_->added.is_special(token)) continue;
    count.add(token);
    tokens.emplace_back(token);
  }
  return join(tokens);
} catch (...) {
  throw_as_error();
}

std::string Tokenizer::join(std::span<const std::string> tokens) const try {
  if (impl_->decoder) return impl_->decoder(tokens);
  std::string text;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0) text += ' ';
    text += tokens[i];
  }
  return text;
} catch (...) {
  throw_as_error();
}

std::vector<std::string> Tokenizer::tokens(const Encoding& encoding) const try {
  std::vector<std::string> result;
  result.reserve(encoding.size());
  ByteCount count;
  for (int32_t id : encoding.ids) {
    const std::string_view text = token(id);
    count.add(text);
    result.emplace_back(text);
  }
  for (const TokenText& t : encoding.token_texts) {
    result[static_cast<std::size_t>(t.index)] = t.text;
  }
  return result;
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
