// Pre-tokenizers that rewrite the text: what words, and which characters of the caller's text they
// stand for.
#include "metaspace.h"

#include "call.h"
#include "catch.h"
#include "components.h"
#include "sapwood/utf8.h"
#include "small_vocab.h"

namespace sapwood::test {
namespace {

// Each word of `text` as "word[start,end)", under the pre-tokenizer that `json` describes. The text
// begins at code point `at` of the caller's.
std::vector<std::string> words_of(const std::string& json, std::string_view utf8, uint32_t at = 0) {
  const auto document = JsonDocument::parse(json, "test");
  const auto pre_tokenizer = make_pre_tokenizer(document.root());
  Text text;
  text.assign(utf8, at);
  EncodeScratch::Buffers scratch;
  Call call{Allowance(utf8.size()), scratch};
  Words words{&text, scratch.words};
  if (text.size() > 0) words.ranges.push_back({0, text.size()});
  pre_tokenizer->apply(words, call);
  std::vector<std::string> out;
  for (const Range& range : words.ranges) {
    std::string word;
    for (std::size_t i = range.begin; i < range.end; ++i) {
      utf8::append(word, words.text->chars[i]);
      word += std::to_string(words.text->spans[i].start) + '-' +
              std::to_string(words.text->spans[i].end) + ' ';
    }
    out.push_back(word);
  }
  return out;
}

using Strings = std::vector<std::string>;

std::string metaspace(const std::string& members) {
  return R"({"type": "Metaspace", "replacement": "_")" + members + "}";
}

}  // namespace

TEST_CASE("Metaspace puts its character in place of spaces and before words") {
  CHECK(words_of(metaspace(""), "a  b") == Strings{"_0-1 a0-1 ", "_1-2 ", "_2-3 b3-4 "});
  CHECK(words_of(metaspace(""), " a") == Strings{"_0-1 a1-2 "});
  CHECK(words_of(metaspace(""), "_a") == Strings{"_0-1 a1-2 "});
  CHECK(words_of(metaspace(R"(, "split": false)"), "a b") == Strings{"_0-1 a0-1 _1-2 b2-3 "});
  CHECK(words_of(metaspace(""), "").empty());
}

TEST_CASE("Metaspace's schemes say which words get a space before them") {
  const std::string first = metaspace(R"(, "prepend_scheme": "first")");
  CHECK(words_of(first, "a b") == Strings{"_0-1 a0-1 ", "_1-2 b2-3 "});
  CHECK(words_of(first, "a b", 1) == Strings{"a1-2 ", "_2-3 b3-4 "});
  CHECK(words_of(metaspace(R"(, "prepend_scheme": "never")"), "a b") ==
        Strings{"a0-1 ", "_1-2 b2-3 "});
  CHECK(words_of(metaspace(R"(, "prepend_scheme": "never", "add_prefix_space": false)"), "a") ==
        Strings{"a0-1 "});
  const std::string contradiction = metaspace(R"(, "add_prefix_space": false)");
  CHECK(mentions(error_of([&] { words_of(contradiction, "a"); }, ErrorCode::malformed),
                 "prepend_scheme is \"always\""));
  const std::string long_replacement = R"({"type": "Metaspace", "replacement": "ab"})";
  CHECK(mentions(error_of([&] { words_of(long_replacement, "a"); }, ErrorCode::malformed),
                 "expected one character"));
  const std::string unknown = metaspace(R"(, "prepend_scheme": "last")");
  CHECK(mentions(error_of([&] { words_of(unknown, "a"); }, ErrorCode::malformed), "\"first\""));
}

TEST_CASE("pre-tokenizers that rewrite the text follow others and are followed by them") {
  const std::string split = R"({"type": "WhitespaceSplit"})";
  const auto sequence = [](const std::string& parts) {
    return R"({"type": "Sequence", "pretokenizers": [)" + parts + "]}";
  };
  CHECK(words_of(sequence(split + "," + metaspace("")), "ab  c") ==
        Strings{"_0-1 a0-1 b1-2 ", "_4-5 c4-5 "});
  CHECK(words_of(sequence(split + "," + metaspace(R"(, "prepend_scheme": "first")")), "ab  c") ==
        Strings{"_0-1 a0-1 b1-2 ", "c4-5 "});
  const std::string other = R"({"type": "Metaspace", "replacement": "~"})";
  CHECK(words_of(sequence(metaspace("") + "," + other + "," + metaspace("")), "a b") ==
        Strings{"_0-1 ~0-1 ", "_0-1 a0-1 ", "_1-2 ~1-2 ", "_1-2 b2-3 "});
  const std::string punctuation = R"({"type": "Punctuation"})";
  CHECK(words_of(sequence(metaspace("") + "," + punctuation), "a!") ==
        Strings{"_0-1 ", "a0-1 ", "!1-2 "});
}

TEST_CASE("words that pre-tokenizers make grow no further than a call allows") {
  std::string parts;
  for (int i = 0; i < 255; ++i) {
    parts += std::string(parts.empty() ? "" : ",") + R"({"type": "Metaspace", "replacement": ")" +
             (i % 2 ? "_" : "~") + "\"}";
  }
  const std::string json = R"({"type": "Sequence", "pretokenizers": [)" + parts + "]}";
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += "a ";
  CHECK(mentions(error_of([&] { words_of(json, text); }, ErrorCode::too_long),
                 "the pre-tokenizer Metaspace"));
}

}  // namespace sapwood::test
