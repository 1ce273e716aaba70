// Tokens that a vocabulary has more than once.
#pragma once

#include <utility>
#include <vector>

#include "vocabulary.h"

namespace sapwood {

// Takes out all but the last entry of each token, as the references do; the others keep their
// order. Returns what was taken out, each with the next entry of its token.
std::vector<std::pair<VocabularyEntry, VocabularyEntry>> keep_last(
    std::vector<VocabularyEntry>& entries);

}  // namespace sapwood
