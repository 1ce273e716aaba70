// What transformers' AutoTokenizer makes of folders whose files say the same thing twice, recorded by make_settings.py; and
// what is refused.
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/file.h"
#include "catch.h"
#include "golden.h"
#include "sapwood/tokenizer/tokenizer.h"
#include "small_vocab.h"

namespace {

using sapwood::Direction;
using sapwood::Encoding;
using sapwood::ErrorCode;
using sapwood::Folder;
using sapwood::NamedBuffer;
using sapwood::Tokenizer;
using sapwood::test::error_of;
using sapwood::test::golden;
using sapwood::test::mentions;
using sapwood::test::small_tokenizer;
using sapwood::test::small_vocab;
using Json = nlohmann::ordered_json;

using Files = std::vector<std::pair<std::string, std::string>>;

Tokenizer load_files(const Files& files) {
  std::vector<NamedBuffer> buffers;
  for (const auto& [name, text] : files) {
    buffers.push_back({name, std::as_bytes(std::span(text))});
  }
  return Tokenizer::load(Folder("folder", buffers));
}

Files files_of(const Json& golden_case) {
  Files files;
  for (const auto& [name, content] : golden_case["files"].items()) {
    files.emplace_back(name, content.is_string() ? content.get<std::string>() : content.dump());
  }
  return files;
}

void check_answers(const Tokenizer& tokenizer, const Json& expected) {
  const Json& length = expected["max_length"];
  CHECK(tokenizer.max_length().value_or(0) == (length.is_null() ? 0 : length.get<int>()));
  CHECK(to_string(tokenizer.truncation_side()) == expected["side"].get<std::string>());
  sapwood::EncodeOptions options;
  options.max_length = tokenizer.max_length();
  options.truncation_direction = tokenizer.truncation_side();
  for (std::size_t i = 0; i < expected["texts"].size(); ++i) {
    const auto text = expected["texts"][i].get<std::vector<std::string>>();
    INFO(text[0]);
    const Encoding encoding = text.size() == 2 ? tokenizer.encode(text[0], text[1], options)
                                               : tokenizer.encode(text[0], options);
    const Json& answer = expected["answers"][i];
    CHECK(encoding.ids == answer["ids"].get<std::vector<std::int32_t>>());
    CHECK(encoding.type_ids == answer["types"].get<std::vector<std::int32_t>>());
    Json offsets = Json::array();
    for (const auto& range : encoding.offsets) offsets.push_back({range.start, range.end});
    CHECK(offsets == answer["offsets"]);
  }
}

// The small tokenizer's files with a configuration.
Files with_config(const std::string& config) {
  return {{"tokenizer.json", small_tokenizer().to_json()}, {"tokenizer_config.json", config}};
}

}  // namespace

TEST_CASE("settings: files beside tokenizer.json and vocab.txt count as in transformers") {
  std::ifstream in(golden("settings.json"));
  const Json all = Json::parse(in);
  REQUIRE(all["cases"].size() > 40);
  for (const Json& expected : all["cases"]) {
    DYNAMIC_SECTION(expected["name"].get<std::string>()) {
      const Tokenizer tokenizer = load_files(files_of(expected));
      check_answers(tokenizer, expected);
      // A converted model and a saved tokenizer.json carry the same.
      check_answers(Tokenizer::from_json(tokenizer.to_json()), expected);
      check_answers(Tokenizer::from_parts(tokenizer.to_parts()), expected);
    }
  }
}

TEST_CASE("settings: windows have no token types either where a model gets none") {
  for (const bool types : {true, false}) {
    const Tokenizer tokenizer = load_files(
        with_config(types ? "{}" : R"({"model_input_names": ["input_ids", "attention_mask"]})"));
    sapwood::EncodeOptions options;
    options.max_length = 7;
    options.truncation = sapwood::Truncation::only_second;
    const Encoding encoding = tokenizer.encode("hello", "how are you the of a b c", options);
    REQUIRE(encoding.overflowing.size() > 1);
    for (const Encoding& window : encoding.overflowing) {
      const auto most = std::max_element(window.type_ids.begin(), window.type_ids.end());
      CHECK(*most == (types ? 1 : 0));
    }
  }
}

TEST_CASE("settings: a configuration that contradicts tokenizer.json is told") {
  const Tokenizer told =
      load_files(with_config(R"({"tokenizer_class": "BertTokenizer", "do_lower_case": false})"));
  REQUIRE(told.notices().size() == 1);
  CHECK(mentions(told.notices()[0], "do_lower_case false instead of true"));
  CHECK(load_files(with_config(R"({"tokenizer_class": "BertTokenizer"})")).notices().empty());
  const Tokenizer moved = load_files(
      with_config(R"({"added_tokens_decoder": {"99": {"content": "<e1>", "special": true}}})"));
  REQUIRE(moved.notices().size() == 1);
  CHECK(mentions(moved.notices()[0], "'<e1>' is stated to have the id 99"));
}

TEST_CASE("settings: a class that nobody knows and a space that does not count are told") {
  const Tokenizer other = load_files(with_config(R"({"tokenizer_class": "T5TokenizerFast"})"));
  REQUIRE(other.notices().size() == 1);
  CHECK(mentions(other.notices()[0], "the tokenizer class 'T5TokenizerFast' is not known here"));
  Json json = Json::parse(small_tokenizer().to_json());
  json["pre_tokenizer"] = {{"type", "ByteLevel"},
                           {"add_prefix_space", true},
                           {"trim_offsets", true},
                           {"use_regex", true}};
  const char* roberta =
      R"({"tokenizer_class": "RobertaTokenizer"})";  // its add_prefix_space is false
  const std::string settled = Tokenizer::from_json(json.dump(), roberta).to_json();
  CHECK(Json::parse(settled)["pre_tokenizer"]["add_prefix_space"] == false);
  CHECK(
      settled ==
      load_files({{"tokenizer.json", json.dump()}, {"tokenizer_config.json", roberta}}).to_json());
  const auto told = [&](const char* config) {
    return load_files({{"tokenizer.json", json.dump()}, {"tokenizer_config.json", config}})
        .notices();
  };
  CHECK(told(R"({"tokenizer_class": "PreTrainedTokenizerFast"})").empty());
  const auto denied =
      told(R"({"tokenizer_class": "PreTrainedTokenizerFast", "add_prefix_space": false})");
  REQUIRE(denied.size() == 1);
  CHECK(mentions(denied[0], "tokenizer's configuration says false; this file counts"));
  const auto changed = told(R"({"tokenizer_class": "GPT2Tokenizer"})");
  REQUIRE(changed.size() == 1);
  CHECK(mentions(changed[0], "pre_tokenizer has add_prefix_space true"));
}

TEST_CASE("settings: classes that do other than the files say are refused by name") {
  const auto refused = [](const Files& files) {
    return error_of([&] { load_files(files); }, ErrorCode::unsupported);
  };
  for (const char* name : {"BertJapaneseTokenizer", "RoFormerTokenizerFast", "XLMTokenizer"}) {
    const std::string config = std::string(R"({"tokenizer_class": ")") + name + "\"}";
    CHECK(mentions(refused(with_config(config)), name));
    CHECK(mentions(refused({{"vocab.txt", small_vocab()}, {"tokenizer_config.json", config}}),
                   "tokenizer_config.json"));
  }
  // These describe themselves in tokenizer.json; a vocab.txt alone they do not read as BERT does.
  for (const char* name : {"XLMRobertaTokenizer", "RobertaTokenizerFast", "CamembertTokenizer",
                           "MPNetTokenizer", "OwnTokenizer"}) {
    const std::string config = std::string(R"({"tokenizer_class": ")") + name + "\"}";
    CHECK(load_files(with_config(config)).vocab_size() > 0);
    CHECK(mentions(refused({{"vocab.txt", small_vocab()}, {"tokenizer_config.json", config}}),
                   "save it as tokenizer.json"));
  }
  CHECK(mentions(refused({{"vocab.txt", small_vocab()},
                          {"config.json", R"({"tokenizer_class": "BertJapaneseTokenizer"})"}}),
                 "config.json"));
  CHECK(mentions(refused(with_config(R"({"tokenizer_class": "OwnTokenizer",
                                         "auto_map": {"AutoTokenizer": ["own.OwnTokenizer", null]}})")),
                 "auto_map"));
  CHECK(load_files(with_config(R"({"tokenizer_class": "BertTokenizer",
                                   "auto_map": {"AutoTokenizer": ["own.X", null]}})"))
            .vocab_size() > 0);
}

TEST_CASE("settings: values of the wrong kind are named") {
  const auto refused = [](const std::string& config) {
    return error_of([&] { load_files(with_config(config)); }, ErrorCode::malformed);
  };
  CHECK(mentions(refused(R"({"truncation_side": "up"})"), "truncation_side"));
  CHECK(mentions(refused(R"({"model_input_names": [1]})"), "model_input_names"));
  CHECK(mentions(refused(R"({"added_tokens_decoder": []})"), "added_tokens_decoder"));
  CHECK(mentions(refused(R"({"added_tokens_decoder": {"x": {"content": "a"}}})"), "'x'"));
  CHECK(mentions(refused(R"({"added_tokens_decoder": {"-1": {"content": "a"}}})"), "'-1'"));
  CHECK(mentions(refused(R"({"added_tokens_decoder": {"4000000000": {"content": "a"}}})"),
                 "'4000000000'"));
  CHECK(mentions(refused(R"({"added_tokens_decoder": {"40": {"content": ""}}})"), "'40'"));
  CHECK(mentions(refused(R"({"additional_special_tokens": [{"lstrip": true}]})"), "content"));
  CHECK(mentions(refused(R"({"additional_special_tokens": [""]})"), "at least one character"));
  CHECK(mentions(error_of(
                     [] {
                       Files files = with_config("{}");
                       files.emplace_back("added_tokens.json", R"({"<e1>": "a"})");
                       load_files(files);
                     },
                     ErrorCode::malformed),
                 "added_tokens.json"));
}

TEST_CASE(
    "settings: a hundred thousand added tokens are read in time that grows with their number") {
  nlohmann::json config, ids;  // the ordered one takes time with the square of its members
  constexpr int kCount = 100'000;
  const int first = small_tokenizer().vocab_size();
  for (int i = 0; i < kCount; ++i) {
    const std::string token = "<t" + std::to_string(i) + ">";
    config["additional_special_tokens"].push_back(token);
    ids[token] = first + i;
  }
  Files files = with_config(config.dump());
  files.emplace_back("added_tokens.json", ids.dump());
  const Tokenizer tokenizer = load_files(files);
  CHECK(tokenizer.vocab_size() == first + kCount);
  CHECK(tokenizer.encode("<t99999>").ids[1] == first + kCount - 1);
}

TEST_CASE("settings: a decoder that is not known stands in the way of decoding alone") {
  Json json = Json::parse(small_tokenizer().to_json());
  json["decoder"] = {{"type", "Unheard"}};
  const Tokenizer tokenizer = Tokenizer::from_json(json.dump());
  CHECK(tokenizer.encode("hello").ids[1] == 13);
  CHECK(mentions(
      error_of([&] { tokenizer.decode(std::vector<std::int32_t>{13}); }, ErrorCode::unsupported),
      "'Unheard'"));
}

TEST_CASE("settings: what a failed download left in a tokenizer's place is named") {
  const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
  for (const char* name : {"tokenizer.json", "vocab.txt", "tokenizer_config.json"}) {
    INFO(name);
    Files files = {{name, pointer}};
    if (std::string_view(name) == "tokenizer_config.json") {
      files.emplace_back("vocab.txt", small_vocab());
    }
    CHECK(mentions(error_of([&] { load_files(files); }, ErrorCode::malformed), "git lfs pull"));
  }
  CHECK(mentions(error_of(
                     [&] {
                       load_files({{"vocab.txt", "<!DOCTYPE html><html>"}});
                     },
                     ErrorCode::malformed),
                 "HTML page"));
}
