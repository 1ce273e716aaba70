#include "encode_options.h"

#include <algorithm>
#include <string>
#include <vector>

#include "model_state.h"
#include "sapwood/utf8.h"

namespace sapwood {

Direction direction_of(const Model& model, const LengthOptions& length) {
  return length.direction.value_or(model.tokenizer().truncation_side());
}

EncodeOptions encode_options(const Model& model, const LengthOptions& length) {
  EncodeOptions options;
  options.max_length = length.max_length.value_or(model.max_length());
  if (*options.max_length > model.config().max_positions) {
    throw Error(ErrorCode::invalid_argument, "max_length: expected at most the model's " +
                                                 std::to_string(model.config().max_positions) +
                                                 " positions, found " +
                                                 std::to_string(*options.max_length));
  }
  options.truncation = length.truncation;
  options.truncation_direction = direction_of(model, length);
  options.parse_special_tokens = length.parse_special_tokens;
  options.overflowing = false;
  options.add_special_tokens = !model.config().static_embedding;
  return options;
}

int median_token_length(const Tokenizer& tokenizer) {
  std::vector<std::size_t> lengths;
  for (std::int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    const std::string_view token = tokenizer.token(id);
    if (!token.empty()) lengths.push_back(utf8::count(token));
  }
  if (lengths.empty()) return 0;
  std::sort(lengths.begin(), lengths.end());
  const std::size_t n = lengths.size();
  return static_cast<int>((lengths[(n - 1) / 2] + lengths[n / 2]) / 2);
}

namespace {

// Takes out the tokens of an id.
void drop(Encoding& encoding, std::int32_t id) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < encoding.size(); ++i) {
    if (encoding.ids[i] == id) continue;
    const auto keep = [&](auto& values) {
      if (!values.empty()) values[kept] = values[i];
    };
    keep(encoding.ids);
    keep(encoding.type_ids);
    keep(encoding.offsets);
    keep(encoding.special_tokens_mask);
    keep(encoding.word_ids);
    keep(encoding.sequence_ids);
    ++kept;
  }
  const auto cut = [&](auto& values) {
    if (!values.empty()) values.resize(kept);
  };
  cut(encoding.type_ids);
  cut(encoding.offsets);
  cut(encoding.special_tokens_mask);
  cut(encoding.word_ids);
  cut(encoding.sequence_ids);
  encoding.ids.resize(kept);
  encoding.token_texts.clear();  // their places are others now
}

}  // namespace

void encode_text(const Model& model, Encoding& out, EncodeScratch& scratch, std::string_view text,
                 const std::string_view* pair, const EncodeOptions& options) {
  const Tokenizer& tokenizer = model.tokenizer();
  const auto& rules = model.config().static_embedding;
  bool cut = false;
  if (rules && rules->cut_characters && options.max_length) {
    const auto most = static_cast<std::size_t>(*options.max_length) *
                      static_cast<std::size_t>(state_of(model).median_token_length);
    if (text.size() > most) {
      utf8::require_valid(text, "text");
      const std::string_view start = utf8::slice(text, 0, most);
      cut = start.size() < text.size();
      text = start;
    }
  }
  if (pair != nullptr) {
    tokenizer.encode_into(out, scratch, text, *pair, options);
  } else {
    tokenizer.encode_into(out, scratch, text, options);
  }
  if (!rules) return;
  out.truncated |= cut;
  if (rules->drop_unknown && tokenizer.unk_id()) drop(out, *tokenizer.unk_id());
  if (out.size() > 0) return;
  out.ids.push_back(model.config().vocab_size - 1);
  out.type_ids.push_back(0);
  if (options.offsets) out.offsets.push_back({0, 0});
  out.special_tokens_mask.push_back(1);
  out.word_ids.push_back(-1);
  out.sequence_ids.push_back(-1);
}

}  // namespace sapwood
