#include "tasks/fill_mask.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/border.h"
#include "sapwood/tokenizer/word_piece_decoder.h"
#include "tasks/encoded_inputs.h"
#include "tasks/scores.h"

namespace sapwood {

namespace tasks {

std::vector<TokenScore> best_tokens(std::span<const float> logits, std::size_t top_k) {
  const double log_sum = log_sum_exp(logits);
  std::vector<TokenScore> best;
  for (const int id : best_indices(logits, top_k)) {
    const float logit = logits[static_cast<std::size_t>(id)];
    best.push_back({id, static_cast<float>(std::exp(logit - log_sum))});
  }
  return best;
}

std::vector<std::int32_t> positions_of(std::int32_t id, std::span<const std::int32_t> ids) {
  std::vector<std::int32_t> positions;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] == id) positions.push_back(static_cast<std::int32_t>(i));
  }
  return positions;
}

}  // namespace tasks

namespace {

// tokenizer.decode of transformers: the decoder's own clean-up works on words, this one on the
// text.
std::string decode(const Tokenizer& tokenizer, std::span<const std::int32_t> ids,
                   bool skip_special_tokens) {
  std::string text = tokenizer.decode(ids, skip_special_tokens);
  if (tokenizer.clean_up_tokenization_spaces()) clean_up_text(text);
  return text;
}

std::vector<MaskFill> fill(const Tokenizer& tokenizer, const std::vector<std::int32_t>& ids,
                           std::int32_t position, bool only_mask,
                           std::span<const tasks::TokenScore> best) {
  std::vector<MaskFill> fills;
  fills.reserve(best.size());
  const std::optional<std::int32_t> pad = tokenizer.pad_id();
  std::vector<std::int32_t> filled;
  for (const tasks::TokenScore& token : best) {
    filled = ids;
    filled[static_cast<std::size_t>(position)] = token.id;
    if (pad) std::erase(filled, *pad);
    MaskFill result;
    result.score = token.score;
    result.token = token.id;
    result.token_str = decode(tokenizer, std::span(&token.id, 1), false);
    // Special tokens are left out for reading, but not where that would hide the other masks.
    result.sequence = decode(tokenizer, filled, only_mask);
    fills.push_back(std::move(result));
  }
  return fills;
}

// Every fill repeats the whole text, so a text of masks alone costs the square of its length times
// top_k: this many tokens are decoded for one text, and no more.
constexpr std::size_t kMostTokens = std::size_t{1} << 25;

}  // namespace

std::vector<Result<MaskFills>> fill_mask(const Model& model,
                                         std::span<const std::string_view> texts,
                                         const FillMaskOptions& options) try {
  tasks::require_head(model, HeadKind::masked_lm, "fill-mask");
  tasks::require_at_least(options.top_k, 1, "top_k");
  const Tokenizer& tokenizer = model.tokenizer();
  const std::optional<std::int32_t> mask = tokenizer.mask_id();
  if (!mask) {
    throw Error(ErrorCode::unsupported, "fill-mask needs a tokenizer with a mask token; that of " +
                                            model.path().string() + " names none");
  }
  const std::size_t top_k = std::min(static_cast<std::size_t>(options.top_k),
                                     static_cast<std::size_t>(model.config().vocab_size));

  tasks::EncodedInputs batch = tasks::encode_inputs(
      model, texts.size(), [&](std::size_t i, Encoding& encoding, EncodeScratch& scratch) {
        model.encode_into(encoding, scratch, texts[i], options.length);
        const auto masks = std::count(encoding.ids.begin(), encoding.ids.end(), *mask);
        if (masks == 0) {
          throw Error(
              ErrorCode::invalid_argument,
              "the text has no mask token: write " + std::string(tokenizer.token(*mask)) +
                  " where a word is wanted" +
                  (encoding.truncated ? " (the text was cut; the mask may stand beyond)" : ""));
        }
        if (static_cast<std::size_t>(masks) * top_k > kMostTokens / encoding.size()) {
          throw Error(ErrorCode::invalid_argument,
                      std::to_string(masks) + " masks in " + std::to_string(encoding.size()) +
                          " tokens with top_k " + std::to_string(top_k) +
                          " are too much text to return: lower top_k");
        }
      });
  for (const Encoding& window : batch.windows) {
    batch.selected.push_back(tasks::positions_of(*mask, window.ids));
  }

  std::vector<MaskFills> values(texts.size());
  tasks::run(model, batch, Output::head, [&](std::size_t window, const MatrixView& logits) {
    const std::size_t input = batch.input_of[window];
    const std::vector<std::int32_t>& positions = batch.selected[window];
    values[input].truncated = batch.truncated[input] != 0;
    for (std::size_t i = 0; i < positions.size(); ++i) {
      const auto best = tasks::best_tokens(logits.row(static_cast<int>(i)), top_k);
      values[input].masks.push_back(
          fill(tokenizer, batch.windows[window].ids, positions[i], positions.size() == 1, best));
    }
  });
  return tasks::in_order(batch, std::move(values));
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
