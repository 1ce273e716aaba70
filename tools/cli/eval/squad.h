// SQuAD: the data set's JSON and its official scores (evaluate-v1.1.py, evaluate-v2.0.py).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sapwood::cli {

struct SquadQuestion {
  std::string text;
  std::size_t context;               // index into Squad::contexts
  std::vector<std::string> answers;  // accepted ones; empty: the context has none
};

struct Squad {
  std::vector<std::string> contexts;  // each once
  std::vector<SquadQuestion> questions;
  bool has_impossible = false;  // version 2.0: some questions have no answer
};

// Throws Error: not_found, io, malformed.
Squad read_squad(const std::string& path);

// Lower case, without ASCII punctuation and the articles a, an, the; single spaces.
std::string normalize_answer(std::string_view answer);

// 0 or 1, and the overlap of words: the best over the accepted answers. No accepted answer: 1 for
// the empty prediction only.
double squad_exact_match(std::string_view prediction, std::span<const std::string> answers);
double squad_f1(std::string_view prediction, std::span<const std::string> answers);

}  // namespace sapwood::cli
