// Every key of a tokenizer's files is known, or told; and the table for people says the same as the code.
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>

#include "base/file.h"
#include "catch.h"
#include "config_keys.h"
#include "sapwood/tokenizer/tokenizer.h"
#include "small_vocab.h"

namespace {

using sapwood::Folder;
using sapwood::KeyUse;
using sapwood::NamedBuffer;
using sapwood::Tokenizer;
using sapwood::test::mentions;
using sapwood::test::small_tokenizer;
using Json = nlohmann::ordered_json;

std::string document() {
  std::ifstream in(SAPWOOD_SOURCE_DIR "/tokenizer/KEYS.md");
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string section(const std::string& title) {
  const std::string text = document(), heading = "\n## " + title + "\n";
  const std::size_t begin = text.find(heading);
  REQUIRE(begin != std::string::npos);
  return text.substr(begin, text.find("\n## ", begin + heading.size()) - begin);
}

void check_table(const std::string& title, std::span<const sapwood::KnownKey> keys) {
  const std::string text = section(title);
  for (const sapwood::KnownKey& key : keys) {
    const std::string row = "\n| `" + std::string(key.key) + "` | " +
                            (key.use == KeyUse::honoured ? "honoured" : "harmless") + " | " +
                            std::string(key.what) + " |";
    INFO(row);
    CHECK(text.find(row) != std::string::npos);
  }
  std::size_t rows = 0;
  for (std::size_t at = text.find("\n| `"); at != std::string::npos;
       at = text.find("\n| `", at + 1)) {
    ++rows;
  }
  CHECK(rows == keys.size());
}

std::vector<std::string> notices_of(const Json& tokenizer, const Json& config, const Json& map) {
  const std::string texts[] = {tokenizer.dump(), config.dump(), map.dump()};
  const NamedBuffer files[] = {{"tokenizer.json", std::as_bytes(std::span(texts[0]))},
                               {"tokenizer_config.json", std::as_bytes(std::span(texts[1]))},
                               {"special_tokens_map.json", std::as_bytes(std::span(texts[2]))}};
  return Tokenizer::load(Folder("folder", files)).notices();
}

}  // namespace

TEST_CASE("keys: the table for people is that of the code") {
  check_table("tokenizer_config.json", sapwood::tokenizer_config_keys());
  check_table("special_tokens_map.json", sapwood::special_tokens_map_keys());
  const std::string text = section("tokenizer.json");
  for (const auto keys : {sapwood::tokenizer_json_keys(), sapwood::component_keys()}) {
    for (const std::string_view key : keys) {
      INFO(key);
      CHECK(text.find("`" + std::string(key) + "`") != std::string::npos);
    }
  }
}

TEST_CASE("keys: a key that nobody knows is a notice, once a file") {
  const Json plain = Json::parse(small_tokenizer().to_json());
  const Json empty = Json::object();
  CHECK(notices_of(plain, empty, empty).empty());
  const Json odd = {{"odd", 1}, {"strange", {{"a", 1}}}, {"own_token", "the"}, {"void", nullptr}};
  const auto of_config = notices_of(plain, odd, empty);
  REQUIRE(of_config.size() == 1);
  CHECK(mentions(of_config[0],
                 "folder/tokenizer_config.json: nothing is known of the keys 'odd', 'strange';"));
  const auto of_map = notices_of(plain, empty, odd);
  REQUIRE(of_map.size() == 1);
  CHECK(mentions(of_map[0], "special_tokens_map.json"));

  for (const char* place : {"", "/normalizer", "/pre_tokenizer", "/post_processor", "/decoder",
                            "/model", "/added_tokens/0"}) {
    INFO(place);
    Json json = plain;
    json[Json::json_pointer(place)]["odd"] = 1;
    const auto notices = notices_of(json, empty, empty);
    REQUIRE(notices.size() == 1);
    CHECK(mentions(notices[0], "folder/tokenizer.json: nothing is known of the keys '"));
    CHECK(mentions(notices[0], "odd'"));
  }
  // A vocabulary's words are no keys.
  Json words = plain;
  words["model"]["vocab"]["odd"] = words["model"]["vocab"].size();
  CHECK(notices_of(words, empty, empty).empty());
}

TEST_CASE("keys: very many unknown keys make one short notice") {
  Json odd;
  for (int i = 0; i < 10'000; ++i) odd["key" + std::to_string(i)] = 1;
  const auto notices = notices_of(Json::parse(small_tokenizer().to_json()), odd, Json::object());
  REQUIRE(notices.size() == 1);
  CHECK(notices[0].size() < 1000);
}
