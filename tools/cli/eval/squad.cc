#include "eval/squad.h"

#include <utf8proc.h>

#include <algorithm>
#include <map>

#include "base/json.h"
#include "base/quote.h"
#include "eval/datasets.h"
#include "eval/metrics.h"
#include "sapwood/error.h"
#include "sapwood/utf8.h"

namespace sapwood::cli {
namespace {

bool is_ascii_punctuation(char32_t c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}

// What "\w" matches: letters, numbers, the underscore.
bool is_word(char32_t c) {
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  const bool letter = category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
  const bool numeric = category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
  return letter || numeric || c == '_';
}

bool is_space(char32_t c) {
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F) || c == 0x85 ||
         category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
         category == UTF8PROC_CATEGORY_ZP;
}

std::u32string lower_without_punctuation(std::string_view text) {
  std::u32string out;
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  auto left = static_cast<utf8proc_ssize_t>(text.size());
  while (left > 0) {
    utf8proc_int32_t c = 0;
    const utf8proc_ssize_t size = utf8proc_iterate(at, left, &c);
    if (size <= 0) break;  // the texts were checked to be UTF-8
    at += size;
    left -= size;
    c = utf8proc_tolower(c);
    if (!is_ascii_punctuation(static_cast<char32_t>(c))) out.push_back(static_cast<char32_t>(c));
  }
  return out;
}

std::vector<std::string> words(std::string_view normalized) {
  std::vector<std::string> list;
  for (std::size_t begin = 0; begin < normalized.size();) {
    const std::size_t end = std::min(normalized.find(' ', begin), normalized.size());
    list.emplace_back(normalized.substr(begin, end - begin));
    begin = end + 1;
  }
  return list;
}

double f1_one(const std::vector<std::string>& prediction, const std::vector<std::string>& answer) {
  if (prediction.empty() || answer.empty()) return prediction.empty() && answer.empty() ? 1 : 0;
  std::map<std::string, int> counts;
  for (const std::string& word : answer) ++counts[word];
  std::size_t common = 0;
  for (const std::string& word : prediction) common += counts[word]-- > 0;
  return precision_recall(common, prediction.size(), answer.size()).f1;
}

}  // namespace

std::string normalize_answer(std::string_view answer) {
  const std::u32string text = lower_without_punctuation(answer);
  std::string out;
  bool pending_space = false;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && is_word(text[end])) ++end;
    const std::u32string_view word(text.data() + i, end - i);
    if (word == U"a" || word == U"an" || word == U"the") {
      pending_space = true;  // an article becomes a space
      i = end;
      continue;
    }
    if (end == i) end = i + 1;  // one character that belongs to no word
    for (; i < end; ++i) {
      if (is_space(text[i])) {
        pending_space = true;
        continue;
      }
      if (pending_space && !out.empty()) out += ' ';
      pending_space = false;
      utf8::append(out, text[i]);
    }
  }
  return out;
}

double squad_exact_match(std::string_view prediction, std::span<const std::string> answers) {
  const std::string mine = normalize_answer(prediction);
  if (answers.empty()) return mine.empty() ? 1 : 0;
  return std::any_of(answers.begin(), answers.end(),
                     [&](const std::string& answer) { return normalize_answer(answer) == mine; })
             ? 1
             : 0;
}

double squad_f1(std::string_view prediction, std::span<const std::string> answers) {
  const std::vector<std::string> mine = words(normalize_answer(prediction));
  if (answers.empty()) return mine.empty() ? 1 : 0;
  double best = 0;
  for (const std::string& answer : answers) {
    best = std::max(best, f1_one(mine, words(normalize_answer(answer))));
  }
  return best;
}

Squad read_squad(const std::string& path) {
  const auto json =
      JsonDocument::parse(read_whole_file(path), path, {.doubled_keys = DoubledKeys::error});
  Squad squad;
  std::map<std::string_view, std::size_t> known;
  for (const JsonValue article : json.root().at("data").elements()) {
    for (const JsonValue paragraph : article.at("paragraphs").elements()) {
      const std::string_view context = paragraph.string("context");
      const auto [at, added] = known.emplace(context, squad.contexts.size());
      if (added) squad.contexts.emplace_back(context);
      for (const JsonValue qa : paragraph.at("qas").elements()) {
        SquadQuestion question{std::string(qa.string("question")), at->second, {}};
        for (const JsonValue answer : qa.at("answers").elements()) {
          question.answers.emplace_back(answer.string("text"));
        }
        // Version 2.0 may list plausible answers to a question that has none.
        if (qa.boolean("is_impossible", false)) question.answers.clear();
        squad.has_impossible |= question.answers.empty();
        squad.questions.push_back(std::move(question));
      }
    }
  }
  if (squad.questions.empty())
    throw Error(ErrorCode::malformed, printable(path) + " has no questions");
  return squad;
}

}  // namespace sapwood::cli
