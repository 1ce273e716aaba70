#include <array>
#include <string_view>
#include <utility>

#include "tasks/ner_aggregate.h"

namespace sapwood::tasks {

namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
    at += to.size();
  }
}

// The reference's list, in its order; applied to each word by itself.
void clean_up(std::string& word) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kReplacements = {{
      {" .", "."},
      {" ?", "?"},
      {" !", "!"},
      {" ,", ","},
      {" ' ", "'"},
      {" n't", "n't"},
      {" 'm", "'m"},
      {" do not", " don't"},
      {" 's", "'s"},
      {" 've", "'ve"},
      {" 're", "'re"},
  }};
  if (word.find(' ') == std::string::npos) return;  // every pattern has one
  for (const auto& [from, to] : kReplacements) replace_all(word, from, to);
}

}  // namespace

std::string WordJoiner::join(std::span<const std::string> words) const {
  std::string text;
  std::string word;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i == 0) {
      word = words[i];
    } else if (!prefix.empty() && words[i].starts_with(prefix)) {
      word = words[i].substr(prefix.size());
    } else {
      word = " " + words[i];
    }
    if (cleanup) clean_up(word);
    text += word;
  }
  return text;
}

}  // namespace sapwood::tasks
