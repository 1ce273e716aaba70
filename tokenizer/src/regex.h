// A regular expression in Oniguruma's Ruby syntax, which is what the reference uses for patterns in
// tokenizer.json.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "allowance.h"

namespace sapwood {

// Byte range of a match.
struct Match {
  std::size_t begin, end;
};

class Regex {
 public:
  // Error malformed where the pattern does not compile or has more than kMaxPatternBytes;
  // unsupported where its work cannot be bounded. `where` names its place in the file.
  Regex(std::string_view pattern, std::string_view where);

  // All matches from left to right, none overlapping; an empty match right after the last match is
  // passed over. Error unsupported where a search backtracks more than kMaxBacktracks times, keeps
  // more than kMaxStack places to go back to, or `time` is spent.
  void find_all(std::string_view text, SearchTime& time, std::vector<Match>& out) const;

  static constexpr unsigned long kMaxBacktracks = 5'000'000;
  static constexpr unsigned kMaxStack = 1 << 21;  // 64 MiB
  static constexpr std::size_t kMaxPatternBytes = 8 << 10;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
  std::string pattern_;
};

// A pattern of tokenizer.json: {"String": s} or {"Regex": r}.
class Pattern {
 public:
  static Pattern literal(std::string text);
  static Pattern regex(std::string_view pattern, std::string_view where);

  // As Regex::find_all. An empty literal matches between all characters, as in the reference.
  void find_all(std::string_view text, SearchTime& time, std::vector<Match>& out) const;

 private:
  std::string literal_;
  std::shared_ptr<const Regex> regex_;
};

}  // namespace sapwood
