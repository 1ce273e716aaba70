// One call to the tokenizer: what it may cost, and the storage that its steps work in.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "allowance.h"
#include "merge_table.h"
#include "post_processor.h"
#include "regex.h"
#include "sapwood/tokenizer/tokenizer.h"
#include "string_set.h"
#include "text.h"

namespace sapwood {

// How a place in a word is reached best by a model that compares paths.
struct PathStep {
  static constexpr uint32_t kNone = UINT32_MAX, kUnknown = UINT32_MAX;

  double score;    // of the best path up to here
  uint32_t start;  // where its last token begins; kNone: no path leads here
  uint32_t token;  // that token in the model's own numbers; kUnknown: the unknown one
};

// A short word and the tokens that a model has for it. Which model that is, its number says, of which
// there is one in a process.
struct CachedWord {
  static constexpr std::size_t kMaxCharacters = 16, kMaxTokens = 6;

  uint64_t model = 0;  // 0: nothing is here
  uint8_t characters = 0, tokens = 0;
  uint8_t ends[kMaxTokens];  // of the tokens, in characters
  int32_t ids[kMaxTokens];
  char32_t text[kMaxCharacters];
};

// Each step clears what it uses, so that nothing goes from one call to the next but words that may come
// again, which change no answer. Between the steps
// of one call, what is named together is in use together.
struct EncodeScratch::Buffers {
  Tokens first, second;
  std::vector<uint32_t> byte_at[2];  // of each text's code points

  Text text;
  std::vector<AddedSplit> plain_splits, splits;
  std::vector<SetMatch> added;
  std::vector<Range> words, parts;
  Text pieces[2];  // the words' text, where a pre-tokenizer has rewritten it, and the one before
  std::string word;
  std::vector<uint32_t> char_at;  // of the word's bytes
  std::vector<PathStep> path;     // of the word's places
  std::vector<uint32_t> cuts;     // the places on its best path
  // Words that came before, each in the place that its hash says: nothing until there were some.
  std::vector<CachedWord> cached;
  std::size_t words_seen = 0;
  std::vector<BpeSymbol> symbols;
  std::vector<BpeCandidate> candidates;

  Text rewritten;
  std::string replaced;  // the text in which ReplaceNormalizer finds its matches
  std::vector<Match> matches;
  std::vector<Decomposed> decomposed, marks;

  // Calls visit(buffer) for each.
  template <typename Self, typename Visit>
  static void each(Self& self, Visit visit) {
    for (auto* tokens : {&self.first, &self.second}) {
      visit(tokens->ids);
      visit(tokens->spans);
      visit(tokens->words);
      visit(tokens->texts);
    }
    for (auto& bytes : self.byte_at) visit(bytes);
    for (auto* text : {&self.text, &self.rewritten, &self.pieces[0], &self.pieces[1]}) {
      visit(text->chars);
      visit(text->spans);
    }
    visit(self.plain_splits);
    visit(self.splits);
    visit(self.added);
    visit(self.words);
    visit(self.parts);
    visit(self.word);
    visit(self.char_at);
    visit(self.path);
    visit(self.cuts);
    visit(self.cached);
    visit(self.symbols);
    visit(self.candidates);
    visit(self.replaced);
    visit(self.matches);
    visit(self.decomposed);
    visit(self.marks);
  }
};

// At the end of a call.
void release_if_large(EncodeScratch::Buffers& buffers) noexcept;

struct SAPWOOD_LOCAL Call {
  Allowance allowance;
  EncodeScratch::Buffers& scratch;
};

}  // namespace sapwood
