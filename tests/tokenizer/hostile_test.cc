// Texts and vocabularies that mean harm: HOSTILE_INPUT.md, items 25 to 38.
#include <clocale>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string>

#include "catch.h"
#include "sapwood/utf8.h"
#include "small_vocab.h"

using Json = nlohmann::ordered_json;
using sapwood::EncodeOptions;
using sapwood::Encoding;
using sapwood::ErrorCode;
using sapwood::Tokenizer;
using sapwood::test::error_of;
using sapwood::test::mentions;
using sapwood::test::options_for;
using sapwood::test::small_tokenizer;
using sapwood::test::small_vocab;

namespace {

Json small_json() { return Json::parse(small_tokenizer().to_json()); }

std::string load_error(const Json& json, ErrorCode code) {
  return error_of([&] { Tokenizer::from_json(json.dump()); }, code);
}

std::string repeat(const std::string& part, std::size_t n) {
  std::string out;
  out.reserve(part.size() * n);
  for (std::size_t i = 0; i < n; ++i) out += part;
  return out;
}

void check_sound(const Encoding& e, const Tokenizer& t, std::size_t length) {
  int32_t last = 0;
  bool ids = true, monotone = true;
  for (std::size_t i = 0; i < e.size(); ++i) {
    ids &= e.ids[i] >= 0 && e.ids[i] < t.vocab_size();
    if (e.sequence_ids[i] < 0) continue;
    monotone &= e.offsets[i].start >= last && e.offsets[i].end >= e.offsets[i].start;
    last = e.offsets[i].start;
  }
  CHECK(ids);
  CHECK(monotone);
  CHECK(static_cast<std::size_t>(last) <= length);
}

double seconds(const Tokenizer& t, const std::string& text) {
  const std::clock_t start = std::clock();
  const Encoding e = t.encode(text);
  const std::clock_t end = std::clock();
  check_sound(e, t, text.size());
  return static_cast<double>(end - start) / CLOCKS_PER_SEC;
}

}  // namespace

TEST_CASE("vocab.txt: line ends, byte order mark and blank lines (25)") {
  const Tokenizer plain = small_tokenizer();
  std::string crlf;
  for (char c : small_vocab()) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  for (const std::string& text :
       {crlf, std::string("\xEF\xBB\xBF") + small_vocab(), small_vocab() + "\n \n\r\n",
        small_vocab().substr(0, small_vocab().size() - 1)}) {
    const Tokenizer t = Tokenizer::from_vocab(text, options_for(true));
    CHECK(t.to_json() == plain.to_json());
  }
  auto fails = [](const std::string& text, const std::string& part) {
    return mentions(
        error_of([&] { Tokenizer::from_vocab(text, options_for(true)); }, ErrorCode::malformed),
        part);
  };
  CHECK(fails("[PAD]\n[CLS]\n[SEP]\na\n", "[UNK]"));
  CHECK(fails("[UNK]\n[SEP]\na\n", "[CLS]"));
  CHECK(fails(small_vocab() + "caf\xe9\n", "not UTF-8 at byte"));
  CHECK(fails("", "[CLS]"));
}

TEST_CASE("vocab.txt: a blank line has an id that no text gives, as in Chinese vocabularies (25)") {
  // U+2028 is white space; bert-base-chinese has it as a line of its own.
  for (const char* blank : {"", " ", "\xE2\x80\xA8"}) {
    const Tokenizer t = Tokenizer::from_vocab(
        std::string("[PAD]\n[UNK]\n[CLS]\n[SEP]\n") + blank + "\n\xE4\xB8\xAD\nhello\n",
        options_for(true));
    CHECK(t.encode("hello \xE4\xB8\xAD \xE2\x80\xA8").ids == std::vector<int32_t>{2, 6, 5, 3});
    CHECK(t.vocab_size() == 7);
    CHECK(t.token(4).empty());
    CHECK(Tokenizer::from_json(t.to_json()).id("hello") == 6);
    const Tokenizer::Parts parts = t.to_parts();
    CHECK(Tokenizer::from_parts(parts).id("hello") == 6);
  }
}

TEST_CASE("vocab.txt: of a token on two lines the last one counts, with a notice (25)") {
  const Tokenizer t = Tokenizer::from_vocab(small_vocab() + "hello\n", options_for(true));
  CHECK(t.encode("hello").ids[1] == t.vocab_size() - 1);
  REQUIRE(t.notices().size() == 1);
  CHECK(mentions(t.notices()[0], "'hello' stands on the lines 14 and "));
}

TEST_CASE("vocab.txt: taken for lower-cased where nothing says so, with a notice (25)") {
  const Tokenizer t = Tokenizer::from_vocab(small_vocab(), {});
  CHECK(t.encode("HELLO").ids[1] == 13);
  REQUIRE(t.notices().size() == 1);
  CHECK(mentions(t.notices()[0], "lower-cased"));
  CHECK(Tokenizer::from_vocab(small_vocab(), options_for(true)).notices().empty());
}

TEST_CASE("tokenizer.json: unknown components are errors that name them (27)") {
  for (const char* part : {"normalizer", "pre_tokenizer", "post_processor", "model"}) {
    Json json = small_json();
    json[part]["type"] = "Metaspace9";
    CHECK(mentions(load_error(json, ErrorCode::unsupported), "Metaspace9"));
    CHECK(mentions(load_error(json, ErrorCode::unsupported), part));
  }
  Json json = small_json();
  json["normalizer"] = {{"type", "Sequence"},
                        {"normalizers", {{{"type", "NFD"}}, {{"type", "Nmt9"}}}}};
  CHECK(mentions(load_error(json, ErrorCode::unsupported), "normalizers[1]"));
  json["version"] = "2.0";
  CHECK(mentions(load_error(json, ErrorCode::unsupported), "2.0"));
}

TEST_CASE("tokenizer.json: ids that are negative, huge, sparse, doubled or no numbers (27)") {
  const std::string text = small_json().dump();
  auto with = [&](const std::string& entry) {
    std::string changed = text;
    const std::string from = "\"hello\":13";
    changed.replace(changed.find(from), from.size(), entry);
    return error_of([&] { Tokenizer::from_json(changed); }, ErrorCode::malformed);
  };
  CHECK(mentions(with("\"hello\":-1"), "-1"));
  CHECK(mentions(with("\"hello\":4000000000"), "4000000000"));
  CHECK(mentions(with("\"hello\":100000000000000000000000"), "whole number"));
  CHECK(mentions(with("\"hello\":2000000000"), "may be left out"));
  CHECK(mentions(with("\"hello\":12"), "the id 12 is given to both"));
  CHECK(with("\"hello\":13,\"hello\":40") == "no error");  // the last one counts
  CHECK(mentions(with("\"hello\":1.5"), "whole number"));
  CHECK(mentions(with("\"hello\":1e3"), "whole number"));
  CHECK(mentions(with("\"hello\":\"13\""), "whole number"));
  CHECK(mentions(with("\"hello\":013"), "number"));
  CHECK(mentions(with("\"\":13"), "empty token"));
  CHECK(mentions(with("\"\\ud800\":13"), "string"));
  CHECK(mentions(with("\"\\x41\":13"), "string"));
  CHECK(with("\"\\u0068\\u0065llo\":13") == "no error");
  CHECK(with("\"\\ud83d\\ude00\":13") == "no error");
}

TEST_CASE("tokenizer.json: broken, cut short at any byte, nested deep, not UTF-8 (27)") {
  const std::string text = small_tokenizer().to_json();
  for (std::size_t n = 0; n < text.size(); n += n < 200 ? 1 : 7) {
    CHECK(error_of([&] { Tokenizer::from_json(text.substr(0, n)); }, ErrorCode::malformed)
              .find("no error") == std::string::npos);
  }
  CHECK(mentions(error_of([&] { Tokenizer::from_json(std::string("{\"a\":").append(100000, '[')); },
                          ErrorCode::malformed),
                 "64 levels"));
  CHECK(mentions(error_of([&] { Tokenizer::from_json("{\"a\":\"\xff\"}"); }, ErrorCode::malformed),
                 "not UTF-8"));
  CHECK(mentions(error_of([&] { Tokenizer::from_json("[]"); }, ErrorCode::malformed), "object"));
  CHECK(mentions(error_of([&] { Tokenizer::from_json("{}"); }, ErrorCode::malformed), "model"));
}

TEST_CASE("tokenizer.json: added tokens that are empty, misnumbered or can never match (27)") {
  auto token = [](int id, const std::string& content, bool normalized) {
    return Json{{"id", id},        {"content", content}, {"single_word", false},
                {"lstrip", false}, {"rstrip", false},    {"normalized", normalized},
                {"special", false}};
  };
  const int next = small_tokenizer().vocab_size();
  Json json = small_json();
  json["added_tokens"].push_back(token(next, "", false));
  CHECK(mentions(load_error(json, ErrorCode::malformed), "at least one character"));
  json = small_json();
  // The reference gives ids by itself, whatever is stated; that a file states others is told.
  json["added_tokens"].push_back(token(next + 5, "<x>", false));
  json["added_tokens"].push_back(token(3, "hello", false));
  const Tokenizer renumbered = Tokenizer::from_json(json.dump());
  CHECK(renumbered.id("<x>") == next);
  CHECK(renumbered.id("hello") == small_tokenizer().id("hello"));
  REQUIRE(renumbered.notices().size() == 2);
  CHECK(mentions(renumbered.notices()[0], "'<x>' is stated to have the id"));
  json = small_json();
  json["added_tokens"].push_back(token(next, "\u0301", true));
  CHECK(mentions(load_error(json, ErrorCode::malformed), "never match"));
  json = small_json();
  json["added_tokens"].push_back(token(next, "ÄB", true));
  json["added_tokens"].push_back(token(next + 1, "ab", true));
  CHECK(mentions(load_error(json, ErrorCode::malformed), "same as another"));
  json = small_json();
  json["post_processor"]["special_tokens"]["[CLS]"]["ids"][0] = 5;
  CHECK(mentions(load_error(json, ErrorCode::mismatch), "[CLS]"));
}

TEST_CASE("a regular expression that backtracks without end gives up with an error (27)") {
  Json json = small_json();
  json["normalizer"] = {
      {"type", "Replace"}, {"pattern", {{"Regex", "(x+x+)+y"}}}, {"content", "z"}};
  const Tokenizer t = Tokenizer::from_json(json.dump());
  CHECK(t.encode("xxxxy").size() > 2);
  CHECK(mentions(error_of([&] { t.encode(std::string(60, 'x')); }, ErrorCode::unsupported),
                 "(x+x+)+y"));
  // Quadratic without backtracking: from each start to the end of the text, and no match.
  json["normalizer"]["pattern"]["Regex"] = "x++(?:y|z)";
  const Tokenizer quadratic = Tokenizer::from_json(json.dump());
  CHECK(quadratic.encode("xxxxy").size() > 2);
  CHECK(mentions(
      error_of([&] { quadratic.encode(std::string(300'000, 'x')); }, ErrorCode::unsupported),
      " s); use a pattern"));
  json["normalizer"]["pattern"]["Regex"] = "(unclosed";
  CHECK(mentions(load_error(json, ErrorCode::malformed), "(unclosed"));
}

TEST_CASE("text that is not UTF-8 is refused, naming the byte (29)") {
  const Tokenizer t = small_tokenizer();
  for (const char* bad : {"ab\x80", "ab\xc0\xaf", "ab\xed\xa0\x80", "ab\xf0\x9f\x98"}) {
    CHECK(mentions(error_of([&] { t.encode(bad); }, ErrorCode::invalid_utf8), "offset 2"));
    CHECK(mentions(error_of([&] { t.encode("a", bad); }, ErrorCode::invalid_utf8), "second text"));
  }
}

TEST_CASE("control characters vanish, and words join over them (30)") {
  const Tokenizer t = small_tokenizer();
  const std::string text = std::string("he\0ll", 5) + "\u200d\ufeff\ufffd\u200fo\x01\x7f";
  CHECK(t.encode(text).ids == t.encode("hello").ids);
  const Encoding e = t.encode(text);
  CHECK(e.offsets[1] == sapwood::Offsets{0, 10});
}

TEST_CASE("words of over 100 characters are unknown, and characters count, not bytes (31)") {
  const Tokenizer t = small_tokenizer();
  CHECK(t.encode(std::string(100, 'a')).size() == 102);
  CHECK(t.encode(std::string(101, 'a')).ids ==
        std::vector<int32_t>{*t.cls_id(), *t.unk_id(), *t.sep_id()});
  const Tokenizer cased = small_tokenizer(false);
  CHECK(cased.encode(repeat("é", 101)).size() == 3);
  CHECK(t.encode(repeat("á", 100)).size() == 102);  // 100 letters a once the accents are gone
}

TEST_CASE("time is linear: long words, marks, added tokens, windows (32)") {
  const Tokenizer t = small_tokenizer();
  Json json = small_json();
  json["normalizer"] = {{"type", "NFC"}};
  json["pre_tokenizer"] = nullptr;
  json["model"]["max_input_chars_per_word"] = 100000000;
  json["added_tokens"][4]["lstrip"] = json["added_tokens"][4]["rstrip"] = true;
  const Tokenizer whole = Tokenizer::from_json(json.dump());
  const std::string parts[] = {"a",      "é", "中",   ".",           "x\u0301",
                               "[MASK]", " ", "[MAS", "\u1100\u1161"};
  for (const std::string& part : parts) {
    CAPTURE(part);
    for (const Tokenizer* tokenizer : {&t, &whole}) {
      const double small = seconds(*tokenizer, repeat(part, 250'000 / part.size()));
      const double large = seconds(*tokenizer, repeat(part, 2'000'000 / part.size()));
      CHECK(large < 40 * small + 0.5);  // quadratic would be 64 times
    }
  }
  for (const Tokenizer* tokenizer : {&t, &whole}) {
    CHECK(seconds(*tokenizer, std::string("a") + repeat("\u0301", 1'000'000)) < 20);
    CHECK(seconds(*tokenizer, std::string("a") + repeat("\u0301\u0323", 500'000)) < 20);
  }
}

TEST_CASE("10 MB without a space is one unknown word (32)") {
  const Tokenizer t = small_tokenizer();
  const Encoding e = t.encode(std::string(10'000'000, 'a'));
  CHECK(e.ids == std::vector<int32_t>{*t.cls_id(), *t.unk_id(), *t.sep_id()});
  CHECK(e.offsets[1] == sapwood::Offsets{0, 10'000'000});
}

TEST_CASE("windows beyond all measure are refused, not built (32)") {
  const Tokenizer t = small_tokenizer();
  EncodeOptions o;
  o.max_length = 512;
  o.stride = 509;
  const std::string text = repeat("a ", 1'000'000);
  CHECK(mentions(error_of([&] { t.encode(text, o); }, ErrorCode::too_long), "windows"));
  CHECK(mentions(
      error_of([&] { t.encode(text, text, EncodeOptions{.max_length = 9}); }, ErrorCode::too_long),
      "windows"));
  o.overflowing = false;
  CHECK(t.encode(text, o).size() == 512);
  CHECK(t.encode(text, text, o).size() == 512);
}

TEST_CASE("accents are stripped by full decomposition (33)") {
  const Tokenizer t = small_tokenizer();
  CHECK(t.encode("rŭn̈nĭńg").ids == t.encode("running").ids);
  CHECK(t.encode("ǜńẅǻńt").ids == t.encode("unwant").ids);
  CHECK(t.encode("w\u0344a").ids == t.encode("wa").ids);
}

TEST_CASE("the reference's gap among Chinese characters is kept (34)") {
  const Tokenizer t = small_tokenizer();
  CHECK(t.encode("a\U0002B81Fa").size() == 5);
  CHECK(t.encode("a\U0002B820a").size() == 3);
  CHECK(t.encode("a\U0002B91Fa").size() == 3);
  CHECK(t.encode("a\U0002B920a").size() == 5);
}

TEST_CASE("no locale plays a part (36)") {
  const Tokenizer t = small_tokenizer();
  const auto expected = t.encode("HELLO İI WANTED").ids;
  for (const char* locale : {"C", "tr_TR.UTF-8", "C.UTF-8", "de_DE.ISO-8859-1"}) {
    if (!std::setlocale(LC_ALL, locale)) continue;
    CHECK(t.encode("HELLO İI WANTED").ids == expected);
  }
  std::setlocale(LC_ALL, "C");
  CHECK(t.encode("HELLO").ids[1] == *t.id("hello"));
}
