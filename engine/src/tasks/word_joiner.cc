#include "tasks/clean_up.h"
#include "tasks/ner_aggregate.h"

namespace sapwood::tasks {

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
    if (cleanup) clean_up_word(word);
    text += word;
  }
  return text;
}

}  // namespace sapwood::tasks
