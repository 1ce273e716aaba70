#include <string>
#include <utility>

#include "base/border.h"
#include "sapwood/tasks.h"
#include "sapwood/utf8.h"
#include "tasks/encoded_inputs.h"
#include "tasks/ner_aggregate.h"
#include "tasks/scores.h"
#include "tasks/text_index.h"

namespace sapwood {

namespace {

EncodeOptions encode_options(const Model& model, const NerOptions& options) {
  EncodeOptions encode;
  encode.max_length = options.length.max_length.value_or(model.max_length());
  encode.truncation = options.length.truncation;
  encode.truncation_direction = options.length.direction;
  encode.parse_special_tokens = options.length.parse_special_tokens;
  encode.overflowing = options.stride > 0;
  encode.stride = options.stride;
  if (options.stride > 0) encode.truncation = Truncation::longest_first;  // windows cut nothing
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
    // A token as long as the text it came from starts a word: "##" makes the others longer.
    const bool subword = utf8::count(word) != utf8::count(source);
    const bool unknown = encoding.ids[i] == tokenizer.unk_id();
    window.tokens.push_back({std::string(unknown ? source : word), scores, static_cast<int>(i),
                             offsets.start, offsets.end, subword && !unknown});
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

}  // namespace

std::vector<Result<Entities>> ner(const Model& model, std::span<const std::string_view> texts,
                                  const NerOptions& options) try {
  tasks::require_head(model, HeadKind::token_classification, "ner");
  tasks::require_at_least(options.stride, 0, "stride");
  const std::vector<std::string>& labels = model.config().labels;
  const Tokenizer& tokenizer = model.tokenizer();
  const tasks::JoinWords join = [&](std::span<const std::string> words) {
    return tokenizer.join(words);
  };
  const EncodeOptions encode = encode_options(model, options);

  tasks::EncodedInputs batch = tasks::encode_inputs(
      model, texts.size(), [&](std::size_t i, Encoding& out, EncodeScratch& scratch) {
        tokenizer.encode_into(out, scratch, texts[i], encode);
      });
  std::vector<Entities> values(texts.size());

  // Windows arrive in order, those of one text together.
  std::optional<tasks::TextIndex> text;
  std::vector<Entity> aggregated;
  std::vector<tasks::WindowTokens> single;
  std::size_t first_window = 0;
  const auto finish = [&](std::size_t input, bool windows) {
    std::vector<Entity>& entities = values[input].entities;
    if (options.aggregation == Aggregation::none) {
      const int first_index = leading_special_tokens(batch.windows[first_window]);
      // A lone window keeps its indices: special tokens inside the text count too.
      entities = windows ? tasks::merge_tokens(std::move(single), options.stride,
                                               options.length.direction, first_index)
                         : std::move(single[0].tokens);
      tasks::remove_labels(entities, options.ignore_labels);
    } else {
      entities = windows ? tasks::merge_overlapping(std::move(aggregated)) : std::move(aggregated);
    }
    values[input].truncated = options.stride == 0 && batch.truncated[input] != 0;
    aggregated.clear();
    single.clear();
    text.reset();
  };

  tasks::run(model, batch, Output::head, [&](std::size_t number, const MatrixView& logits) {
    const std::size_t input = batch.input_of[number];
    if (!text) {
      text.emplace(texts[input]);
      first_window = number;
    }
    const Window window = read_window(tokenizer, *text, batch.windows[number], logits);
    std::vector<Entity> entities =
        tasks::aggregate(window.tokens, labels, options.aggregation, join);
    if (options.aggregation == Aggregation::none) {
      single.push_back({std::move(entities)});
    } else {
      tasks::remove_labels(entities, options.ignore_labels);
      std::move(entities.begin(), entities.end(), std::back_inserter(aggregated));
    }
    const bool last = number + 1 == batch.windows.size() || batch.input_of[number + 1] != input;
    if (last) finish(input, number != first_window);
  });
  return tasks::in_order(batch, std::move(values));
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
