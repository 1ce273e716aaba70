#include "tasks/fill_mask.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/border.h"
#include "base/quote.h"
#include "sapwood/tokenizer/word_piece_decoder.h"
#include "tasks/answer_all.h"
#include "tasks/one_window.h"
#include "tasks/requirements.h"
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

std::vector<TokenScore> best_tokens(std::span<const float> logits, std::size_t top_k,
                                    std::span<const std::int32_t> targets) {
  const double log_sum = log_sum_exp(logits);
  std::vector<float> chosen;
  chosen.reserve(targets.size());
  for (const std::int32_t id : targets) chosen.push_back(logits[static_cast<std::size_t>(id)]);
  std::vector<TokenScore> best;
  for (const int i : best_indices(chosen, std::min(top_k, chosen.size()))) {
    const auto at = static_cast<std::size_t>(i);
    best.push_back({targets[at], static_cast<float>(std::exp(chosen[at] - log_sum))});
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

// Throws Error invalid_argument for a text without a mask, or with too many of them.
void check_masks(const Tokenizer& tokenizer, const Encoding& window, std::int32_t mask,
                 std::size_t top_k) {
  const auto masks = std::count(window.ids.begin(), window.ids.end(), mask);
  if (masks == 0) {
    throw Error(ErrorCode::invalid_argument,
                "the text has no mask token: write " + std::string(tokenizer.token(mask)) +
                    " where a word is wanted" +
                    (window.truncated ? " (the text was cut; the mask may stand beyond)" : ""));
  }
  if (static_cast<std::size_t>(masks) * top_k > kMostTokens / window.size()) {
    throw Error(ErrorCode::invalid_argument, std::to_string(masks) + " masks in " +
                                                 std::to_string(window.size()) +
                                                 " tokens with top_k " + std::to_string(top_k) +
                                                 " are too much text to return: lower top_k");
  }
}

class FillMaskJob final : public Job<MaskFills> {
 public:
  FillMaskJob(const Model& of, std::vector<Encoding> windows,
              std::vector<std::vector<std::int32_t>> masks, std::size_t top_k,
              std::vector<std::int32_t> targets)
      : Job(of, Output::head, std::move(windows), std::move(masks)),
        top_k_(top_k),
        targets_(std::move(targets)) {
    value_.truncated = encodings()[0].truncated;
  }

 private:
  void read(std::size_t window, const MatrixView& logits) override {
    const std::span<const std::int32_t> positions = windows()[window].selected;
    for (std::size_t i = 0; i < positions.size(); ++i) {
      const std::span<const float> row = logits.row(static_cast<int>(i));
      require_finite(row);
      const auto best = targets_.empty() ? tasks::best_tokens(row, top_k_)
                                         : tasks::best_tokens(row, top_k_, targets_);
      value_.masks.push_back(fill(model().tokenizer(), encodings()[window].ids, positions[i],
                                  positions.size() == 1, best));
    }
  }
  MaskFills result() override { return std::move(value_); }

  std::size_t top_k_;
  std::vector<std::int32_t> targets_;
  MaskFills value_;
};

class FillMask final : public tasks::OneWindowTask<std::string_view, MaskFills> {
 public:
  FillMask(const Model& model, const FillMaskOptions& options)
      : OneWindowTask(model, options.length) {
    tasks::require_at_least(options.top_k, 1, "top_k");
    const std::optional<std::int32_t> mask = model.tokenizer().mask_id();
    if (!mask) {
      throw Error(ErrorCode::unsupported,
                  "fill-mask needs a tokenizer with a mask token; that of " +
                      model.path().string() + " names none");
    }
    mask_ = *mask;
    for (const MaskTarget& target : mask_targets(model, options.targets)) {
      targets_.push_back(target.token);
    }
    std::sort(targets_.begin(), targets_.end());
    targets_.erase(std::unique(targets_.begin(), targets_.end()), targets_.end());
    const std::size_t most =
        targets_.empty() ? static_cast<std::size_t>(model.config().vocab_size) : targets_.size();
    top_k_ = std::min(static_cast<std::size_t>(options.top_k), most);
  }

 private:
  std::unique_ptr<Job<MaskFills>> make(std::vector<Encoding> windows) const override {
    check_masks(model().tokenizer(), windows[0], mask_, top_k_);
    std::vector<std::vector<std::int32_t>> masks = {tasks::positions_of(mask_, windows[0].ids)};
    return std::make_unique<FillMaskJob>(model(), std::move(windows), std::move(masks), top_k_,
                                         targets_);
  }

  std::int32_t mask_ = 0;
  std::vector<std::int32_t> targets_;  // each once; empty: all tokens
  std::size_t top_k_ = 0;
};

}  // namespace

std::vector<MaskTarget> mask_targets(const Model& model, std::span<const std::string> words) try {
  const Tokenizer& tokenizer = model.tokenizer();
  std::vector<MaskTarget> targets;
  for (const std::string& word : words) {
    std::optional<std::int32_t> token = tokenizer.id(word);
    const bool exact = token.has_value();
    if (!exact) {
      const Encoding pieces = tokenizer.encode(word, {.add_special_tokens = false});
      if (pieces.size() > 0) token = pieces.ids[0];
    }
    if (!token || *token >= model.config().vocab_size) {
      throw Error(ErrorCode::invalid_argument,
                  "target " + quote(word) + ": the model has no token for it");
    }
    targets.push_back({word, *token, exact});
  }
  return targets;
} catch (...) {
  throw_as_error();
}

std::shared_ptr<const FillMaskTask> fill_mask_task(const Model& model,
                                                   const FillMaskOptions& options) try {
  tasks::require_head(model, HeadKind::masked_lm, "fill-mask");
  return std::make_shared<const FillMask>(model, options);
} catch (...) {
  throw_as_error();
}

std::vector<Result<MaskFills>> fill_mask(const Model& model,
                                         std::span<const std::string_view> texts,
                                         const FillMaskOptions& options) try {
  return tasks::answer_all(model, *fill_mask_task(model, options), texts);
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
