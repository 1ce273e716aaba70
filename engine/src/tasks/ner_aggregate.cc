#include "tasks/ner_aggregate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "tasks/scores.h"

namespace sapwood::tasks {

namespace {

// A token, or with the strategies first, average and max a word, and the label that won.
struct Labelled {
  std::string word;
  int label;
  float score;
  int index, start, end;
};

Labelled best_label(const NerToken& token) {
  const int label = argmax(token.scores);
  return {token.word,  label,       token.scores[static_cast<std::size_t>(label)],
          token.index, token.start, token.end};
}

// The mean over the tokens of each label's score, in float32 as the reference sums it.
std::vector<float> mean_scores(std::span<const NerToken> tokens) {
  std::vector<float> mean(tokens[0].scores.begin(), tokens[0].scores.end());
  for (const NerToken& token : tokens.subspan(1)) {
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += token.scores[i];
  }
  for (float& value : mean) value /= static_cast<float>(tokens.size());
  return mean;
}

// The token whose best score is highest, the first among equals.
const NerToken& most_certain(std::span<const NerToken> tokens) {
  const auto certainty = [](const NerToken& token) {
    return token.scores[static_cast<std::size_t>(argmax(token.scores))];
  };
  const NerToken* best = &tokens[0];
  for (const NerToken& token : tokens.subspan(1)) {
    if (ranks_before(certainty(token), certainty(*best))) best = &token;
  }
  return *best;
}

Labelled aggregate_word(std::span<const NerToken> tokens, Aggregation aggregation,
                        const JoinWords& join) {
  Labelled word;
  if (aggregation == Aggregation::average) {
    const std::vector<float> mean = mean_scores(tokens);
    word.label = argmax(mean);
    word.score = mean[static_cast<std::size_t>(word.label)];
  } else {
    word = best_label(aggregation == Aggregation::max ? most_certain(tokens) : tokens[0]);
  }
  std::vector<std::string> pieces;
  pieces.reserve(tokens.size());
  for (const NerToken& token : tokens) pieces.push_back(token.word);
  word.word = join(pieces);
  word.index = -1;
  word.start = tokens.front().start;
  word.end = tokens.back().end;
  return word;
}

std::vector<Labelled> label_words(std::span<const NerToken> tokens, Aggregation aggregation,
                                  const JoinWords& join) {
  std::vector<Labelled> words;
  for (std::size_t first = 0; first < tokens.size();) {
    std::size_t end = first + 1;
    while (end < tokens.size() && tokens[end].subword) ++end;
    words.push_back(aggregate_word(tokens.subspan(first, end - first), aggregation, join));
    first = end;
  }
  return words;
}

struct Tag {
  bool begins;  // B-: starts a group of its own
  std::string_view name;
};

// "B-PER" and "I-PER" are PER; any other label counts as a continuation of itself.
Tag tag_of(std::string_view label) {
  if (label.starts_with("B-")) return {true, label.substr(2)};
  if (label.starts_with("I-")) return {false, label.substr(2)};
  return {false, label};
}

// What stands after the first hyphen, if there is one: not the same as the tag for "geo-loc".
std::string_view group_name(std::string_view label) {
  const std::size_t hyphen = label.find('-');
  return hyphen == std::string_view::npos ? label : label.substr(hyphen + 1);
}

float mean_score(std::span<const Labelled> group) {
  double sum = 0;
  int count = 0;
  for (const Labelled& item : group) {
    if (std::isnan(item.score)) continue;  // nanmean
    sum += item.score;
    ++count;
  }
  return count > 0 ? static_cast<float>(sum / count) : std::numeric_limits<float>::quiet_NaN();
}

Entity make_group(std::span<Labelled> group, std::span<const std::string> labels,
                  const JoinWords& join) {
  Entity entity;
  entity.entity = group_name(labels[static_cast<std::size_t>(group[0].label)]);
  entity.score = mean_score(group);
  entity.index = -1;
  entity.start = group.front().start;
  entity.end = group.back().end;
  entity.label_id = group[0].label;
  std::vector<std::string> words;
  words.reserve(group.size());
  for (Labelled& item : group) words.push_back(std::move(item.word));
  entity.word = join(words);
  return entity;
}

}  // namespace

std::vector<Entity> aggregate(std::span<const NerToken> tokens, std::span<const std::string> labels,
                              Aggregation aggregation, const JoinWords& join) {
  std::vector<Entity> entities;
  if (aggregation == Aggregation::none) {
    entities.reserve(tokens.size());
    for (const NerToken& token : tokens) {
      Labelled item = best_label(token);
      entities.push_back({labels[static_cast<std::size_t>(item.label)], item.score, item.index,
                          std::move(item.word), item.start, item.end, item.label});
    }
    return entities;
  }

  std::vector<Labelled> items;
  if (aggregation == Aggregation::simple) {
    items.reserve(tokens.size());
    for (const NerToken& token : tokens) items.push_back(best_label(token));
  } else {
    items = label_words(tokens, aggregation, join);
  }
  const auto tag = [&](const Labelled& item) {
    return tag_of(labels[static_cast<std::size_t>(item.label)]);
  };
  for (std::size_t first = 0; first < items.size();) {
    std::size_t end = first + 1;
    while (end < items.size() && !tag(items[end]).begins &&
           tag(items[end]).name == tag(items[end - 1]).name) {
      ++end;
    }
    entities.push_back(
        make_group(std::span<Labelled>(items).subspan(first, end - first), labels, join));
    first = end;
  }
  return entities;
}

void remove_labels(std::vector<Entity>& entities, std::span<const std::string> ignored) {
  std::erase_if(entities, [ignored](const Entity& entity) {
    return std::find(ignored.begin(), ignored.end(), entity.entity) != ignored.end();
  });
}

std::vector<Entity> merge_overlapping(std::vector<Entity> entities) {
  std::stable_sort(entities.begin(), entities.end(),
                   [](const Entity& a, const Entity& b) { return a.start < b.start; });
  std::vector<Entity> merged;
  for (Entity& entity : entities) {
    if (merged.empty() || entity.start >= merged.back().end) {
      merged.push_back(std::move(entity));
      continue;
    }
    const int length = entity.end - entity.start;
    const int kept = merged.back().end - merged.back().start;
    if (length > kept || (length == kept && ranks_before(entity.score, merged.back().score))) {
      merged.back() = std::move(entity);
    }
  }
  return merged;
}

std::vector<Entity> merge_tokens(std::vector<WindowTokens> windows, int stride, Direction direction,
                                 int first_index) {
  // Windows in text order; from the right their cuts run from the end of the text.
  if (direction == Direction::left) std::reverse(windows.begin(), windows.end());
  std::vector<Entity> merged;
  std::vector<std::size_t> context;  // of each token in merged: tokens to the nearer window edge
  for (WindowTokens& window : windows) {
    const std::size_t count = window.tokens.size();
    // Windows cut from the right all share `stride` tokens; of those cut from the left, the one at
    // the start of the text is shorter and may share no more than it has.
    const std::size_t shared = std::min({static_cast<std::size_t>(stride), count, merged.size()});
    const std::size_t start = merged.size() - shared;
    merged.resize(start + count);
    context.resize(start + count, 0);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t edge = std::min(i, count - 1 - i);
      if (i >= shared || edge > context[start + i]) {
        merged[start + i] = std::move(window.tokens[i]);
        context[start + i] = edge;
      }
    }
  }
  for (std::size_t i = 0; i < merged.size(); ++i) {
    merged[i].index = first_index + static_cast<int>(i);
  }
  return merged;
}

}  // namespace sapwood::tasks
