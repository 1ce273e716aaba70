// Lines of encode_lines with the reference's answers, as make_golden.py and make_bpe_golden.py write them.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "catch.h"
#include "sapwood/tokenizer/tokenizer.h"

namespace sapwood::test {

using Json = nlohmann::ordered_json;

// Records of make_golden.py are encode_lines' own format.
inline EncodeOptions read_options(const Json& line) {
  EncodeOptions options;
  if (!line.contains("options")) return options;
  const Json& o = line["options"];
  options.add_special_tokens = o.value("add_special_tokens", true);
  options.parse_special_tokens = o.value("parse_special_tokens", true);
  if (o.contains("max_length")) options.max_length = o["max_length"].get<int>();
  options.stride = o.value("stride", 0);
  const std::string strategy = o.value("truncation", "longest_first");
  if (strategy == "only_first") options.truncation = Truncation::only_first;
  if (strategy == "only_second") options.truncation = Truncation::only_second;
  if (o.value("direction", "right") == std::string("left")) {
    options.truncation_direction = Direction::left;
  }
  return options;
}

inline void check_encoding(const Tokenizer& tokenizer, const Encoding& e, const Json& expected) {
  CHECK(e.ids == expected["ids"].get<std::vector<int32_t>>());
  CHECK(tokenizer.tokens(e) == expected["tokens"].get<std::vector<std::string>>());
  CHECK(e.type_ids == expected["type_ids"].get<std::vector<int32_t>>());
  CHECK(e.word_ids == expected["word_ids"].get<std::vector<int32_t>>());
  const auto mask = expected["special_tokens_mask"].get<std::vector<int>>();
  CHECK(std::vector<int>(e.special_tokens_mask.begin(), e.special_tokens_mask.end()) == mask);
  REQUIRE(e.offsets.size() == expected["offsets"].size());
  for (std::size_t i = 0; i < e.offsets.size(); ++i) {
    CHECK(e.offsets[i].start == expected["offsets"][i][0].get<int32_t>());
    CHECK(e.offsets[i].end == expected["offsets"][i][1].get<int32_t>());
  }
}

inline void check_line(const Tokenizer& tokenizer, const Json& line, const Json& answer) {
  if (line.contains("decode")) {
    const auto ids = line["decode"].get<std::vector<int32_t>>();
    CHECK(tokenizer.decode(ids, line["skip_special_tokens"].get<bool>()) ==
          answer["text"].get<std::string>());
    return;
  }
  const auto text = line["text"].get<std::string>();
  const auto options = read_options(line);
  auto encode = [&] {
    if (!line.contains("pair")) return tokenizer.encode(text, options);
    return tokenizer.encode(text, line["pair"].get<std::string>(), options);
  };
  if (answer.contains("error")) {
    CHECK_THROWS_AS(encode(), Error);
    return;
  }
  const Encoding e = encode();
  check_encoding(tokenizer, e, answer);
  REQUIRE(e.overflowing.size() == answer["overflowing"].size());
  for (std::size_t i = 0; i < e.overflowing.size(); ++i) {
    check_encoding(tokenizer, e.overflowing[i], answer["overflowing"][i]);
  }
}

}  // namespace sapwood::test
