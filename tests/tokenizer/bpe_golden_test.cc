// What Hugging Face tokenizers 0.23.3 answered with byte-pair encoding, recorded by make_bpe_golden.py.
#include <fstream>
#include <optional>
#include <string>

#include "catch.h"
#include "golden.h"
#include "golden_lines.h"
#include "sapwood/tokenizer/tokenizer.h"

namespace sapwood::test {
namespace {

// CRC-32 and number of tokens over texts, as make_golden.answer_crc has them.
class Answers {
 public:
  explicit Answers(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  void add(std::string_view text) {
    tokenizer_.encode_into(encoding_, scratch_, text);
    std::string line;
    for (std::size_t i = 0; i < encoding_.size(); ++i) {
      if (i > 0) line += ' ';
      line += std::to_string(encoding_.ids[i]) + ':' + std::to_string(encoding_.offsets[i].start) +
              ':' + std::to_string(encoding_.offsets[i].end);
    }
    crc_.add(line + '\n');
    tokens_ += encoding_.size();
  }

  std::string hex() const { return crc_.hex(); }
  std::size_t tokens() const { return tokens_; }

 private:
  const Tokenizer& tokenizer_;
  Encoding encoding_;
  EncodeScratch scratch_;
  Crc32 crc_;
  std::size_t tokens_ = 0;
};

}  // namespace

TEST_CASE("byte-pair encoding answers as the reference, from every form of its file") {
  std::ifstream in(golden("bpe.jsonl"));
  REQUIRE(in);
  const std::string texts = SAPWOOD_SOURCE_DIR "/../shared/data/text/";
  std::optional<Tokenizer> tokenizer, from_json, from_parts;
  std::string name;
  int tokenizers = 0, lines = 0, whole = 0, skipped = 0;
  for (std::string record; std::getline(in, record);) {
    const Json json = Json::parse(record);
    CAPTURE(name);
    if (json.contains("tokenizer")) {
      name = json["tokenizer"].get<std::string>();
      tokenizer = Tokenizer::from_json(json["json"].get<std::string>());
      from_json = Tokenizer::from_json(tokenizer->to_json());
      from_parts = Tokenizer::from_parts(tokenizer->to_parts());
      CHECK(from_parts->to_json() == from_json->to_json());
      ++tokenizers;
    } else if (json.contains("line")) {
      CAPTURE(json["line"].dump());
      for (const auto* t : {&tokenizer, &from_json, &from_parts}) {
        check_line(**t, json["line"], json["answer"]);
      }
      ++lines;
    } else if (json.contains("scalars")) {
      Answers answers(*tokenizer);
      for_scalar_lines([&](std::string_view text) { answers.add(text); });
      CHECK(answers.tokens() == json["tokens"].get<std::size_t>());
      CHECK(answers.hex() == json["scalars"].get<std::string>());
      ++whole;
    } else {
      std::ifstream file(texts + json["text"].get<std::string>(), std::ios::binary);
      if (!file) {
        ++skipped;
        continue;
      }
      Answers answers(*tokenizer);
      for_lines(file, [&](std::string_view text) { answers.add(text); });
      CHECK(answers.tokens() == json["tokens"].get<std::size_t>());
      CHECK(answers.hex() == json["crc"].get<std::string>());
    }
  }
  if (skipped > 0) WARN("skipped: " << skipped << " texts, there is no " << texts);
  CHECK(tokenizers == 19);
  CHECK(lines > 1000);
  CHECK(whole == 3);
}

}  // namespace sapwood::test
