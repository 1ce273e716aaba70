// Encodes JSONL from stdin to JSONL on stdout: the tokenizer by itself, for the comparison with the
// reference (tests/live/compare_tokenizers.py).
//
// usage: encode_lines TOKENIZER
// A line is {"text", "pair"?, "options"?} with the names of EncodeOptions in "options", or
// {"decode": [ids], "skip_special_tokens"?}, or {"load": PATH}, which changes the tokenizer. The
// answer has ids, tokens, offsets, type_ids, special_tokens_mask, word_ids, overflowing; {"text"}
// for decode; {"error"} where the tokenizer refused.
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "sapwood/tokenizer/tokenizer.h"

namespace {

using Json = nlohmann::ordered_json;
using sapwood::Encoding;

Json to_json(const sapwood::Tokenizer& tokenizer, const Encoding& e) {
  Json offsets = Json::array();
  for (const auto& o : e.offsets) offsets.push_back({o.start, o.end});
  Json out = {{"ids", e.ids},
              {"tokens", tokenizer.tokens(e)},
              {"offsets", offsets},
              {"type_ids", e.type_ids},
              {"special_tokens_mask", Json::array()},
              {"word_ids", e.word_ids},
              {"overflowing", Json::array()}};
  for (int bit : e.special_tokens_mask) out["special_tokens_mask"].push_back(bit);
  for (const Encoding& window : e.overflowing) {
    out["overflowing"].push_back(to_json(tokenizer, window));
  }
  return out;
}

sapwood::EncodeOptions read_options(const Json& line) {
  sapwood::EncodeOptions options;
  if (!line.contains("options")) return options;
  const Json& o = line["options"];
  options.add_special_tokens = o.value("add_special_tokens", true);
  if (o.contains("max_length")) options.max_length = o["max_length"].get<int>();
  const std::string strategy = o.value("truncation", "longest_first");
  options.truncation = strategy == "only_first"    ? sapwood::Truncation::only_first
                       : strategy == "only_second" ? sapwood::Truncation::only_second
                       : strategy == "none"        ? sapwood::Truncation::none
                                                   : sapwood::Truncation::longest_first;
  options.stride = o.value("stride", 0);
  if (o.value("direction", "right") == std::string("left")) {
    options.truncation_direction = sapwood::Direction::left;
  }
  options.parse_special_tokens = o.value("parse_special_tokens", true);
  if (o.value("offset_unit", "code_points") == std::string("bytes")) {
    options.offset_unit = sapwood::OffsetUnit::bytes;
  }
  return options;
}

Json answer(sapwood::Tokenizer& tokenizer, sapwood::EncodeScratch& scratch, const Json& line) {
  if (line.contains("load")) {
    tokenizer = sapwood::Tokenizer::load(line["load"].get<std::string>());
    return {{"loaded", line["load"]}};
  }
  if (line.contains("decode")) {
    return {{"text", tokenizer.decode(line["decode"].get<std::vector<int32_t>>(),
                                      line.value("skip_special_tokens", true))}};
  }
  const auto text = line["text"].get<std::string>();
  const sapwood::EncodeOptions options = read_options(line);
  Encoding encoding;
  if (line.contains("pair")) {
    tokenizer.encode_into(encoding, scratch, text, line["pair"].get<std::string>(), options);
  } else {
    tokenizer.encode_into(encoding, scratch, text, options);
  }
  return to_json(tokenizer, encoding);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: encode_lines TOKENIZER < JSONL\n";
    return 2;
  }
  try {
    sapwood::Tokenizer tokenizer = sapwood::Tokenizer::load(argv[1]);
    sapwood::EncodeScratch scratch;
    std::ios::sync_with_stdio(false);
    std::cin.tie(nullptr);
    for (std::string line; std::getline(std::cin, line);) {
      Json out;
      try {
        out = answer(tokenizer, scratch, Json::parse(line));
      } catch (const sapwood::Error& e) {
        out = {{"error", e.what()}, {"code", to_string(e.code())}};
      }
      std::cout << out.dump() << '\n';
    }
    std::cout.flush();
    return 0;
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
