// The three subword models as their papers and the reference describe them, one step at a time: what the tokenizer's tables
// and shortcuts are compared with. Characters are code points; words are what white space separates.
#pragma once

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sapwood::fuzz {

struct SlowToken {
  int id;
  int start, end;  // in characters of the text
  bool operator==(const SlowToken&) const = default;
};
using SlowTokens = std::vector<SlowToken>;
using SlowIds = std::map<std::u32string, int>;
inline constexpr int kLongestToken = 6;  // characters that a token may have

// The characters, or nothing where they are not UTF-8 (RFC 3629, section 4).
inline std::optional<std::u32string> slow_decode(std::string_view bytes) {
  std::u32string text;
  for (std::size_t i = 0; i < bytes.size();) {
    const auto byte = [&](std::size_t n) { return static_cast<unsigned char>(bytes[i + n]); };
    const int more = byte(0) < 0x80 ? 0 : byte(0) < 0xE0 ? 1 : byte(0) < 0xF0 ? 2 : 3;
    if ((byte(0) >= 0x80 && byte(0) < 0xC2) || byte(0) > 0xF4) return std::nullopt;
    if (i + static_cast<std::size_t>(more) >= bytes.size()) return std::nullopt;
    char32_t c = more == 0 ? byte(0) : byte(0) & (0x3Fu >> more);
    for (int n = 1; n <= more; ++n) {
      if (byte(static_cast<std::size_t>(n)) >> 6 != 2) return std::nullopt;
      c = c << 6 | (byte(static_cast<std::size_t>(n)) & 0x3Fu);
    }
    const char32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (c < least[more] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return std::nullopt;
    text += c;
    i += static_cast<std::size_t>(more) + 1;
  }
  return text;
}

// Unicode's property White_Space.
inline bool slow_space(char32_t c) {
  return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

// The tokens of all words, one after the other, by `model`, which gives those of one word from 0 on.
template <class Model>
SlowTokens slow_tokens(const std::u32string& text, Model model) {
  SlowTokens tokens;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin;
    while (end < text.size() && !slow_space(text[end])) ++end;
    if (end > begin) {
      for (SlowToken token : model(text.substr(begin, end - begin))) {
        token.start += static_cast<int>(begin);
        token.end += static_cast<int>(begin);
        tokens.push_back(token);
      }
    }
    begin = end + 1;
  }
  return tokens;
}

// The longest token first (Wu et al., 2016); a word that has none somewhere is unknown, and one of more than 100 characters.
inline SlowTokens slow_wordpiece(const SlowIds& ids, int unk, const std::u32string& word) {
  const int size = static_cast<int>(word.size());
  const SlowTokens unknown{{unk, 0, size}};
  if (size > 100) return unknown;
  SlowTokens tokens;
  for (int begin = 0; begin < size;) {
    int end = std::min(size, begin + kLongestToken);
    for (; end > begin; --end) {
      const auto piece =
          word.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
      const auto found = ids.find((begin > 0 ? U"##" : U"") + piece);
      if (found == ids.end()) continue;
      tokens.push_back({found->second, begin, end});
      break;
    }
    if (end == begin) return unknown;
    begin = end;
  }
  return tokens;
}

// The way through the word with the largest sum of scores (Kudo, 2018); of equal ones the one whose last piece begins first.
// A character that is no token is unknown and costs 10 more than the least score; unknown ones in a row are one token.
inline SlowTokens slow_unigram(const SlowIds& ids, const std::vector<double>& scores, int unk,
                               const std::u32string& word) {
  const int size = static_cast<int>(word.size());
  struct Step {
    double score = -std::numeric_limits<double>::infinity();
    int start = -1, id = 0;
  };
  std::vector<Step> best(static_cast<std::size_t>(size) + 1);
  const double unknown = *std::min_element(scores.begin(), scores.end()) - 10;
  best[0].score = 0;
  for (int start = 0; start < size; ++start) {
    const auto at = [&](int i) -> Step& { return best[static_cast<std::size_t>(i)]; };
    bool single = false;
    const auto reach = [&](int end, double score, int id) {
      if (at(end).start < 0 || score > at(end).score) at(end) = {score, start, id};
    };
    for (int end = start + 1; end <= std::min(size, start + kLongestToken); ++end) {
      const auto found = ids.find(
          word.substr(static_cast<std::size_t>(start), static_cast<std::size_t>(end - start)));
      if (found == ids.end()) continue;
      single = single || end == start + 1;
      reach(end, at(start).score + scores[static_cast<std::size_t>(found->second)], found->second);
    }
    if (!single) reach(start + 1, at(start).score + unknown, unk);
  }
  SlowTokens tokens;
  for (int end = size; end > 0;) {
    const Step& step = best[static_cast<std::size_t>(end)];
    if (step.id == unk && !tokens.empty() && tokens.back().id == unk) {
      tokens.back().start = step.start;
    } else {
      tokens.push_back({step.id, step.start, end});
    }
    end = step.start;
  }
  std::reverse(tokens.begin(), tokens.end());
  return tokens;
}

// The pair whose merge comes first in the list, of equal ones the first in the word, until no merge fits (Sennrich et al.,
// 2016). Unknown characters in a row are one token.
inline SlowTokens slow_bpe(const SlowIds& ids, const std::vector<std::pair<int, int>>& merges,
                           const std::vector<int>& merged, int unk, const std::u32string& word) {
  SlowTokens tokens;
  for (int i = 0; i < static_cast<int>(word.size()); ++i) {
    const auto found = ids.find(word.substr(static_cast<std::size_t>(i), 1));
    const int id = found == ids.end() ? unk : found->second;
    if (id == unk && !tokens.empty() && tokens.back().id == unk) {
      tokens.back().end = i + 1;
    } else {
      tokens.push_back({id, i, i + 1});
    }
  }
  for (;;) {
    std::size_t rank = merges.size(), place = 0;
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
      const auto found =
          std::find(merges.begin(), merges.end(), std::pair(tokens[i].id, tokens[i + 1].id));
      const auto here = static_cast<std::size_t>(found - merges.begin());
      if (here < rank) {
        rank = here;
        place = i;
      }
    }
    if (rank == merges.size()) return tokens;
    tokens[place] = {merged[rank], tokens[place].start, tokens[place + 1].end};
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
}

}  // namespace sapwood::fuzz
