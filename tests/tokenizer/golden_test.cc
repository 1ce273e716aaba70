// What Hugging Face tokenizers 0.23.3 answered, recorded by make_golden.py.
#include "golden.h"

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "call.h"
#include "catch.h"
#include "components.h"
#include "golden_lines.h"
#include "sapwood/tokenizer/tokenizer.h"
#include "sapwood/utf8.h"

namespace {

using sapwood::Encoding;
using sapwood::Text;
using sapwood::test::check_line;
using sapwood::test::Crc32;
using sapwood::test::golden;
using sapwood::test::Json;

// The words and ranges of one text through normalizer and pre-tokenizer, as make_golden.py writes
// them.
void add_splits(std::u32string_view chars, const sapwood::Normalizer& normalizer,
                const sapwood::PreTokenizer& pre_tokenizer, Crc32& crc) {
  static Text text;
  text.clear();
  text.base = 0;
  for (std::size_t i = 0; i < chars.size(); ++i) {
    text.push(chars[i], {static_cast<uint32_t>(i), static_cast<uint32_t>(i) + 1});
  }
  static sapwood::EncodeScratch::Buffers scratch;
  sapwood::Call call{sapwood::Allowance(4 * chars.size()), scratch};
  normalizer.apply(text, call);
  sapwood::Words words{&text, scratch.words};
  words.ranges.clear();
  if (text.size() > 0) words.ranges.push_back({0, text.size()});
  pre_tokenizer.apply(words, call);
  std::string out;
  for (const sapwood::Range& w : words.ranges) {
    for (std::size_t i = w.begin; i < w.end; ++i) {
      sapwood::utf8::append(out, words.text->chars[i]);
    }
    out += '\x1f' + std::to_string(words.text->spans[w.begin].start) + ',' +
           std::to_string(words.text->spans[w.end - 1].end) + '\x1e';
  }
  crc.add(out + '\n');
}

// The checksum of what a tokenizer answers to one text after the other.
class Answers {
 public:
  explicit Answers(const sapwood::Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  void add(std::string_view text) {
    tokenizer_.encode_into(encoding_, scratch_, text);
    const Encoding& e = encoding_;
    std::string out;
    for (std::size_t i = 0; i < e.size(); ++i) {
      if (i > 0) out += ' ';
      out += std::to_string(e.ids[i]) + ':' + std::to_string(e.offsets[i].start) + ':' +
             std::to_string(e.offsets[i].end);
    }
    crc_.add(out + '\n');
    tokens_ += e.size();
  }
  std::size_t tokens() const { return tokens_; }
  std::string crc() const { return crc_.hex(); }

 private:
  const sapwood::Tokenizer& tokenizer_;
  Encoding encoding_;
  sapwood::EncodeScratch scratch_;
  Crc32 crc_;
  std::size_t tokens_ = 0;
};

// The answers of a file of make_golden.py or make_unigram_golden.py, by a tokenizer as the file has it, and
// as it is read from what it writes.
int check_answers(const std::string& file) {
  std::ifstream in(golden(file));
  REQUIRE(in);
  std::optional<sapwood::Tokenizer> tokenizer, reread, converted;
  std::string name;
  Json common;
  int lines = 0;
  for (std::string record; std::getline(in, record);) {
    const Json json = Json::parse(record);
    if (json.contains("tokenizer")) {
      name = json["tokenizer"].get<std::string>();
      CAPTURE(name);
      if (json.contains("json")) common = Json::parse(json["json"].get<std::string>());
      Json document = common;
      if (json.contains("changes")) document.update(json["changes"]);
      tokenizer = json.contains("file")
                      ? sapwood::Tokenizer::load(golden(json["file"].get<std::string>()))
                      : sapwood::Tokenizer::from_json(document.dump());
      reread = sapwood::Tokenizer::from_json(tokenizer->to_json());
      converted = sapwood::Tokenizer::from_parts(tokenizer->to_parts());
      continue;
    }
    CAPTURE(name, json["line"].dump());
    for (const auto* each : {&tokenizer, &reread, &converted}) {
      check_line(**each, json["line"], json["answer"]);
    }
    ++lines;
  }
  return lines;
}

}  // namespace

TEST_CASE("texts, pairs, windows, added tokens and decoding are as in the reference") {
  CHECK(check_answers("texts.jsonl") > 400);
}

TEST_CASE("texts, pairs, windows, added tokens and decoding of Unigram are as in the reference") {
  CHECK(check_answers("unigram.jsonl") > 900);
}

TEST_CASE("every scalar value through a Unigram tokenizer is as in the reference") {
  std::ifstream in(golden("unigram_scalars.txt"));
  std::string expected;
  std::size_t expected_tokens = 0;
  REQUIRE(in >> expected >> expected_tokens);
  const auto tokenizer = sapwood::Tokenizer::load(golden("unigram.json"));
  Answers answers(tokenizer);
  sapwood::test::for_scalar_lines([&](std::string_view text) { answers.add(text); });
  CHECK(answers.tokens() == expected_tokens);
  CHECK(answers.crc() == expected);
}

TEST_CASE("every scalar value is normalized and split as in the reference") {
  std::ifstream in(golden("scalars.txt"));
  REQUIRE(in);
  static const std::u32string kAround[][2] = {
      {U"", U""}, {U"a", U"b"}, {U"a\u0323", U"\u0301"}, {U"\u1100", U"\u11a8"}};
  std::unique_ptr<sapwood::Normalizer> normalizer;
  std::unique_ptr<sapwood::PreTokenizer> pre_tokenizer;
  std::string setting, line;
  int blocks = 0, settings = 0;
  std::getline(in, line);  // the comment
  while (std::getline(in, line)) {
    std::istringstream fields(line);
    std::string first_word;
    fields >> first_word;
    if (first_word == "setting") {
      fields >> setting;
      std::string rest;
      std::getline(fields, rest);
      const std::size_t middle = rest.rfind(" {\"type\"");
      const auto n = sapwood::JsonDocument::parse(rest.substr(0, middle), "normalizer");
      const auto p = sapwood::JsonDocument::parse(rest.substr(middle), "pre_tokenizer");
      normalizer = sapwood::make_normalizer(n.root());
      pre_tokenizer = sapwood::make_pre_tokenizer(p.root());
      ++settings;
      continue;
    }
    std::string expected;
    fields >> expected;
    const auto first = static_cast<char32_t>(std::stoul(first_word, nullptr, 16));
    const bool low = first < 0x30000;
    Crc32 crc;
    for (char32_t c = first; c <= first + (low ? 0xFF : 0xFFFF); ++c) {
      for (int k = 0; k < (low ? 4 : 2); ++k) {
        add_splits(kAround[k][0] + c + kAround[k][1], *normalizer, *pre_tokenizer, crc);
      }
    }
    if (crc.hex() != expected) {
      CAPTURE(setting, first_word);
      CHECK(crc.hex() == expected);
    }
    ++blocks;
  }
  CHECK(settings == 10);
  CHECK(blocks == settings * 774);
}

TEST_CASE(
    "the real vocabularies answer as in the reference over data/text and every scalar value") {
  const std::string data = SAPWOOD_SOURCE_DIR "/../shared/data/";
  if (!std::ifstream(data + "README.md")) {
    WARN("skipped: no " + data);
    return;
  }
  std::ifstream in(golden("data.txt"));
  REQUIRE(in);
  std::map<std::string, sapwood::Tokenizer> tokenizers;
  int files = 0;
  for (std::string line; std::getline(in, line);) {
    if (line[0] == '#') continue;
    std::istringstream fields(line);
    std::string path, text_name, expected;
    std::size_t expected_tokens = 0;
    fields >> path >> text_name >> expected >> expected_tokens;
    if (!tokenizers.count(path)) {
      sapwood::VocabOptions options;
      options.lowercase = path.find("uncased") != std::string::npos;
      tokenizers.emplace(path, sapwood::Tokenizer::load(data + path, options));
    }
    const sapwood::Tokenizer& tokenizer = tokenizers.at(path);
    Answers answers(tokenizer);
    const auto add = [&](std::string_view text) { answers.add(text); };
    if (text_name == "scalars") {
      sapwood::test::for_scalar_lines(add);
    } else {
      std::ifstream file(data + "text/" + text_name, std::ios::binary);
      REQUIRE(file);
      sapwood::test::for_lines(file, add);
    }
    CAPTURE(path, text_name);
    CHECK(answers.tokens() == expected_tokens);
    CHECK(answers.crc() == expected);
    ++files;
  }
  CHECK(files >= 8 * 26);
}
