#include "tasks/clean_up.h"

#include <array>
#include <string_view>
#include <utility>

namespace sapwood::tasks {

namespace {

using Replacement = std::pair<std::string_view, std::string_view>;

// The references' order matters: " ' " goes before " 's".
constexpr std::array<Replacement, 6> kFirst = {
    {{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"}}};
constexpr Replacement kAm = {" 'm", "'m"};
constexpr Replacement kDoNot = {" do not", " don't"};
constexpr std::array<Replacement, 3> kLast = {{{" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}}};

void replace_all(std::string& text, const Replacement& replacement) {
  const auto [from, to] = replacement;
  std::size_t at = text.find(from);
  if (at == std::string::npos) return;
  std::string result;
  result.reserve(text.size());
  std::size_t copied = 0;
  for (; at != std::string::npos; at = text.find(from, copied)) {
    result.append(text, copied, at - copied).append(to);
    copied = at + from.size();
  }
  text = result.append(text, copied);
}

}  // namespace

void clean_up_word(std::string& word) {
  if (word.find(' ') == std::string::npos) return;  // every pattern has one
  for (const Replacement& replacement : kFirst) replace_all(word, replacement);
  replace_all(word, kAm);
  replace_all(word, kDoNot);
  for (const Replacement& replacement : kLast) replace_all(word, replacement);
}

void clean_up_text(std::string& text) {
  for (const Replacement& replacement : kFirst) replace_all(text, replacement);
  replace_all(text, kAm);
  for (const Replacement& replacement : kLast) replace_all(text, replacement);
}

}  // namespace sapwood::tasks
