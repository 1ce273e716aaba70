#include <limits>
#include <string>
#include <utility>

#include "base/border.h"
#include "encode_options.h"
#include "sapwood/utf8.h"
#include "tasks/answer_all.h"
#include "tasks/ner_aggregate.h"
#include "tasks/requirements.h"
#include "tasks/scores.h"
#include "tasks/text_index.h"

namespace sapwood {

namespace {

// With a stride a long text is read in windows, and nothing is cut.
EncodeOptions window_options(const Model& model, const NerOptions& options) {
  EncodeOptions encode = encode_options(model, options.length);
  encode.overflowing = options.stride > 0;
  encode.stride = options.stride;
  if (options.stride > 0) encode.truncation = Truncation::longest_first;
  return encode;
}

// One window's tokens and the scores they point into.
struct Window {
  std::vector<float> scores;
  std::vector<tasks::NerToken> tokens;
};

Window read_window(const Tokenizer& tokenizer, const tasks::TextIndex& text,
                   const Encoding& encoding, const MatrixView& logits) {
  Window window;
  const auto labels = static_cast<std::size_t>(logits.cols);
  window.scores.resize(encoding.size() * labels);
  window.tokens.reserve(encoding.size());
  for (std::size_t i = 0; i < encoding.size(); ++i) {
    if (encoding.special_tokens_mask[i] != 0) continue;
    const std::span<float> scores = std::span(window.scores).subspan(i * labels, labels);
    tasks::softmax(logits.row(static_cast<int>(i)), scores);
    const Offsets offsets = encoding.offsets[i];
    const std::string_view source = text.slice(offsets.start, offsets.end);
    const std::string_view word = tokenizer.token(encoding.ids[i]);
    const std::string_view edge =
        offsets.start > 0 ? text.slice(offsets.start - 1, offsets.start + 1) : std::string_view();
    const bool unknown = encoding.ids[i] == tokenizer.unk_id();
    window.tokens.push_back({std::string(unknown ? source : word), scores, static_cast<int>(i),
                             offsets.start, offsets.end,
                             tokenizer.continues_word(encoding.ids[i], source, edge)});
  }
  return window;
}

int leading_special_tokens(const Encoding& encoding) {
  int count = 0;
  for (const std::uint8_t special : encoding.special_tokens_mask) {
    if (special == 0) break;
    ++count;
  }
  return count;
}

class NerJob final : public Job<Entities> {
 public:
  NerJob(const Model& of, std::vector<Encoding> windows, std::string_view text,
         std::shared_ptr<const NerOptions> options)
      : Job(of, Output::head, std::move(windows)),
        options_(std::move(options)),
        text_(text),
        found_(encodings().size()) {}

 private:
  void read(std::size_t number, const MatrixView& logits) override {
    const Tokenizer& tokenizer = model().tokenizer();
    const Window window = read_window(tokenizer, text_, encodings()[number], logits);
    std::vector<Entity>& entities = found_[number];
    entities =
        tasks::aggregate(window.tokens, model().config().labels, options_->aggregation,
                         [&](std::span<const std::string> words) { return tokenizer.join(words); });
    // Labels of tokens are left out only when the windows have been put together.
    if (options_->aggregation != Aggregation::none) {
      tasks::remove_labels(entities, options_->ignore_labels);
    }
  }

  Entities result() override {
    Entities value;
    value.entities = options_->aggregation == Aggregation::none ? single_tokens() : aggregated();
    value.truncated = options_->stride == 0 && encodings()[0].truncated;
    return value;
  }

  std::vector<Entity> single_tokens() {
    std::vector<Entity> entities;
    if (found_.size() == 1) {
      // A lone window keeps its indices: special tokens inside the text count too.
      entities = std::move(found_[0]);
    } else {
      std::vector<tasks::WindowTokens> windows;
      windows.reserve(found_.size());
      for (std::vector<Entity>& window : found_) windows.push_back({std::move(window)});
      entities = tasks::merge_tokens(std::move(windows), options_->stride,
                                     direction_of(model(), options_->length),
                                     leading_special_tokens(encodings()[0]));
    }
    tasks::remove_labels(entities, options_->ignore_labels);
    return entities;
  }

  std::vector<Entity> aggregated() {
    if (found_.size() == 1) return std::move(found_[0]);
    std::vector<Entity> all;
    for (std::vector<Entity>& window : found_) {
      std::move(window.begin(), window.end(), std::back_inserter(all));
    }
    return tasks::merge_overlapping(std::move(all));
  }

  std::shared_ptr<const NerOptions> options_;
  tasks::TextIndex text_;
  std::vector<std::vector<Entity>> found_;  // in each window
};

class Ner final : public NerTask {
 public:
  Ner(const Model& model, const NerOptions& options) : model_(model) {
    tasks::require_head(model, HeadKind::token_classification, "ner");
    tasks::require_at_least(options.stride, 0, "stride");
    model.tokenizer();
    encode_ = window_options(model, options);
    options_ = std::make_shared<const NerOptions>(options);
  }

  JobResult job(const std::string_view& text, EncodeScratch& scratch) const override {
    return tasks::as_result(
        [&] { return make(text, tasks::encode(model_, text, encode_, scratch)); });
  }

  JobResult job(const std::string_view& text, std::vector<Encoding> windows) const override {
    return tasks::as_result([&] {
      utf8::require_valid(text, "text");
      const std::size_t most =
          options_->stride > 0 ? std::numeric_limits<std::size_t>::max() : std::size_t{1};
      return make(text, tasks::given_windows(model_, std::move(windows), tasks::Reads::text, most));
    });
  }

 private:
  std::unique_ptr<Job<Entities>> make(std::string_view text, std::vector<Encoding> windows) const {
    return std::make_unique<NerJob>(model_, std::move(windows), text, options_);
  }

  Model model_;
  EncodeOptions encode_;
  std::shared_ptr<const NerOptions> options_;
};

}  // namespace

std::shared_ptr<const NerTask> ner_task(const Model& model, const NerOptions& options) try {
  return std::make_shared<const Ner>(model, options);
} catch (...) {
  throw_as_error();
}

std::vector<Result<Entities>> ner(const Model& model, std::span<const std::string_view> texts,
                                  const NerOptions& options) try {
  return tasks::answer_all(model, *ner_task(model, options), texts);
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
