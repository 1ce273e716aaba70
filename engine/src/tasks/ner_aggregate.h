// The rules of TokenClassificationPipeline, from label scores to entities, without the model.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "sapwood/tasks.h"

namespace sapwood::tasks {

// One token of the text (no special token of the template), as gather_pre_entities describes it.
struct NerToken {
  std::string word;               // the vocabulary's token; the text itself where it is unknown
  std::span<const float> scores;  // softmax over the labels
  int index;                      // position in the encoding
  int start, end;                 // code points of the text
  bool subword;                   // belongs to the word of the token before it
};

// convert_tokens_to_string, Tokenizer::join: over words instead of ids, because an unknown token
// stands here for the text it came from.
using JoinWords = std::function<std::string(std::span<const std::string>)>;

// Entities of one window: a token each (none, with its index), else groups of adjacent tokens with
// the same label, each ended by another label or a B-. Labels to be ignored are still in.
std::vector<Entity> aggregate(std::span<const NerToken> tokens, std::span<const std::string> labels,
                              Aggregation aggregation, const JoinWords& join);

void remove_labels(std::vector<Entity>& entities, std::span<const std::string> ignored);

// aggregate_overlapping_entities: entities of all windows of a text; of overlapping ones the
// longest stays, of equally long ones the best. Sorted by start.
std::vector<Entity> merge_overlapping(std::vector<Entity> entities);

// Without aggregation a token that several windows read is taken from the one where it stands
// farthest from an edge, the first of equals. transformers refuses this case.
struct WindowTokens {
  std::vector<Entity> tokens;  // one each, in order, none left out
};
// Neighbouring windows share `stride` tokens: a window's first ones with the last of the window
// before (direction right), or the reverse (left). Each `index` becomes the token's position in the
// whole text, counted from `first_index`.
std::vector<Entity> merge_tokens(std::vector<WindowTokens> windows, int stride, Direction direction,
                                 int first_index);

}  // namespace sapwood::tasks
