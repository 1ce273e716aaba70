// Unigram models and character maps, also those that mean harm.
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "call.h"
#include "catch.h"
#include "golden.h"
#include "precompiled.h"
#include "reference_number.h"
#include "small_vocab.h"

namespace sapwood::test {
namespace {

using Json = nlohmann::ordered_json;

Json unigram_json(const Json& vocab, const Json& unk_id = 0) {
  return {{"pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "_"}}},
          {"decoder", {{"type", "Metaspace"}, {"replacement", "_"}}},
          {"model", {{"type", "Unigram"}, {"unk_id", unk_id}, {"vocab", vocab}}}};
}

Json small_pieces() {
  return Json::parse(R"([["<unk>", 0], ["_", -2], ["a", -3], ["b", -3.5], ["_ab", -4.25]])");
}

// A piece for a vocabulary.
Json piece(const std::string& text, double score) {
  Json pair = Json::array();
  pair.push_back(text);
  pair.push_back(score);
  return pair;
}

Tokenizer load_unigram(const Json& json) { return Tokenizer::from_json(json.dump()); }

bool is_malformed(const Json& json, const std::string& part) {
  return mentions(error_of([&] { load_unigram(json); }, ErrorCode::malformed), part);
}

std::string word(uint32_t number) {
  std::string bytes;
  for (int b = 0; b < 4; ++b, number >>= 8) bytes += static_cast<char>(number & 0xFF);
  return bytes;
}

// A trie of 512 units in which "a" leads to a replacement at `place`, and what follows it.
std::string map_of_a(uint32_t place, const std::string& replacements) {
  std::vector<uint32_t> units(512);
  constexpr uint32_t kA = 'a';
  units[0] = 1 << 10;                       // the root's bytes lie at 1 ^ byte
  units[1 ^ kA] = kA | 1 << 8 | 256 << 10;  // "a" is a key; what follows it lies 256 further
  units[1 ^ kA ^ 256] = place | 1u << 31;
  std::string bytes = word(4 * 512);
  for (const uint32_t unit : units) bytes += word(unit);
  return bytes + replacements;
}

bool map_is_malformed(const std::string& bytes, const std::string& part) {
  return mentions(error_of([&] { CharacterMap(bytes, "map"); }, ErrorCode::malformed), part);
}

}  // namespace

TEST_CASE("Unigram takes the pieces whose scores have the greatest sum") {
  const Tokenizer t = load_unigram(unigram_json(small_pieces()));
  const Encoding e = t.encode("ab abzzb");
  CHECK(t.tokens(e) == std::vector<std::string>{"_ab", "_ab", "zz", "b"});
  CHECK(e.ids == std::vector<int32_t>{4, 4, 0, 3});
  CHECK(e.offsets == std::vector<Offsets>{{0, 2}, {2, 5}, {5, 7}, {7, 8}});
  CHECK(e.word_ids == std::vector<int32_t>{0, 1, 1, 1});
  CHECK(t.decode(e.ids, false) == "ab ab<unk>b");
  CHECK(t.unk_id() == 0);
}

TEST_CASE("without an unknown token Unigram refuses characters that are none") {
  const Tokenizer t = load_unigram(unigram_json(small_pieces(), nullptr));
  CHECK(t.encode("ab").ids == std::vector<int32_t>{4});
  CHECK(mentions(error_of([&] { t.encode("abz"); }, ErrorCode::unsupported), "unk_id"));
}

TEST_CASE("a Unigram model goes through parts, also pieces that a line cannot hold") {
  Json pieces = small_pieces();
  pieces.push_back(piece("\n", -0.1));
  pieces.push_back(piece("c", -2.0154635906219482));
  pieces.push_back(piece("a\nb", -1));
  const Tokenizer t = load_unigram(unigram_json(pieces));
  Tokenizer::Parts parts = t.to_parts();
  REQUIRE(parts.tables.size() == 3);
  CHECK(parts.tables[1].name == "scores");
  CHECK(parts.tables[1].bytes.size() == 8 * pieces.size());
  CHECK(parts.tables[2].name == "pieces");
  // Also without the table of pieces, as files of an earlier version are.
  for (int i = 0; i < 2; ++i, parts.tables.pop_back()) {
    const Tokenizer again = Tokenizer::from_parts(parts);
    CHECK(again.to_json() == t.to_json());
    CHECK(again.encode("ca\nbb\n").ids == t.encode("ca\nbb\n").ids);
  }
}

TEST_CASE("the pieces of a Unigram model come from their table where there is one") {
  const Tokenizer large = Tokenizer::load(golden("unigram.json"));
  Tokenizer::Parts parts = large.to_parts();
  REQUIRE(parts.tables.size() == 3);
  CHECK(Tokenizer::from_parts(parts).to_parts().tables[2].bytes == parts.tables[2].bytes);
  for (const char* text :
       {"Hello, world", "Ein größerer Satz, 12 Wörter.", "\u4f60\u597d zzz \u2603"}) {
    CHECK(Tokenizer::from_parts(parts).encode(text).ids == large.encode(text).ids);
  }
  // The table counts, and is not made again: the token of another id would show it.
  Json pieces = small_pieces();
  Tokenizer::Parts small = load_unigram(unigram_json(pieces)).to_parts();
  std::swap(pieces[1], pieces[2]);
  const Tokenizer::Parts other = load_unigram(unigram_json(pieces)).to_parts();
  small.tables[2] = other.tables[2];
  CHECK(Tokenizer::from_parts(small).encode("a").ids ==
        Tokenizer::from_parts(other).encode("a").ids);
}

TEST_CASE("words go on where no space is before a Unigram token") {
  const Tokenizer t = load_unigram(unigram_json(small_pieces()));
  CHECK_FALSE(t.continues_word(4, "ab", ""));
  CHECK_FALSE(t.continues_word(4, " ab", "x "));
  CHECK(t.continues_word(3, "b", "ab"));
  CHECK_FALSE(t.continues_word(0, "z", "az"));
}

TEST_CASE("the roles of <s>, </s>, <pad> and <mask> are found by their names") {
  const Tokenizer t = Tokenizer::load(golden("unigram.json"));
  CHECK(t.cls_id() == 0);
  CHECK(t.pad_id() == 1);
  CHECK(t.sep_id() == 2);
  CHECK(t.unk_id() == 3);
  CHECK(t.mask_id() == 1001);
  CHECK(t.num_special_tokens(true) == 4);
}

TEST_CASE("numbers are those of the reference, not always the nearest") {
  CHECK(reference_number("-2.0154635906219482") == -2.015463590621948);
  CHECK(reference_number("-1.4078937768936157") == -1.4078937768936155);
  CHECK(reference_number("12345678901234567890123") == 1.2345678901234567e22);
  CHECK(reference_number("1E-400") == 0);
  CHECK(reference_number("-0.5e1") == -5);
  CHECK(std::isinf(reference_number("1e309")));
  for (const double value : {-1.4078937768936155, -2.0154635906219482, 0.1, 1e-300, -14.5}) {
    CHECK(reference_number(reference_number_text(value)) == value);
  }
}

TEST_CASE("HOSTILE Unigram vocabularies are refused with what is wrong") {
  const auto refused = [](const char* vocab, const std::string& part, const Json& unk_id = 0) {
    return is_malformed(unigram_json(Json::parse(vocab), unk_id), part);
  };
  CHECK(refused(R"([["a", 0], ["a", -1]])", "occurs twice"));
  CHECK(refused(R"([["a", 0], ["", -1]])", "empty token"));
  CHECK(refused("[]", "empty"));
  CHECK(refused(R"([["a", 0], ["b"]])", "expected a token and its score"));
  CHECK(refused(R"([["a", "b"]])", "vocab[0][1]"));
  CHECK(refused(R"([["a", 0], [3, 0]])", "vocab[1][0]"));
  CHECK(refused(R"([["a", 0]])", "unk_id", 1));
  CHECK(refused(R"([["a", 0]])", "unk_id", -1));
  CHECK(refused(R"([["a", 0]])", "unk_id", 1e9));
  Json long_piece = Json::array();
  long_piece.push_back(piece(std::string(50'000, 'a'), 0));
  CHECK(is_malformed(unigram_json(long_piece), "at most 512"));
  CHECK(is_malformed(unigram_json("abc"), "expected a list"));
  std::string huge = unigram_json(Json::parse(R"([["a", 12.5]])")).dump();
  huge.replace(huge.find("12.5"), 4, "1e999");
  CHECK(mentions(error_of([&] { Tokenizer::from_json(huge); }, ErrorCode::malformed),
                 "that a double can hold"));
}

TEST_CASE("HOSTILE a vocabulary of millions of pieces is refused before it takes memory") {
  std::string json = R"({"model": {"type": "Unigram", "vocab": [["a", 0])";
  for (int i = 0; i < 3'000'000; ++i) json += ",[\"a\",0]";
  json += "]}}";
  CHECK(mentions(error_of([&] { Tokenizer::from_json(json); }, ErrorCode::malformed), "values"));
}

TEST_CASE("HOSTILE tables of a Unigram model must fit together") {
  const Tokenizer::Parts parts = load_unigram(unigram_json(small_pieces())).to_parts();
  const auto refused = [&](auto change, const std::string& part) {
    Tokenizer::Parts changed = parts;
    change(changed);
    return mentions(error_of([&] { Tokenizer::from_parts(changed); }, ErrorCode::malformed), part);
  };
  CHECK(refused([](auto& p) { p.tables[1].bytes.pop_back(); }, "cut short"));
  CHECK(refused([](auto& p) { p.tables[1].bytes.resize(8); }, "5 tokens have 1 scores"));
  CHECK(refused([](auto& p) { p.tables.erase(p.tables.begin() + 1); }, "no scores"));
  CHECK(refused([](auto& p) { p.tables.resize(1); }, "no scores"));
  CHECK(refused([](auto& p) { p.tables[2].bytes.pop_back(); }, "cut short"));
  CHECK(refused([](auto& p) { p.tables[2].bytes.clear(); }, "cut short"));
  CHECK(refused([](auto& p) { p.tables[2].bytes.resize(16); }, "outside"));  // the root alone
  // Each of the root's and the nodes' members beyond what there is, where it counts.
  const std::size_t nodes = (parts.tables[2].bytes.size() - 16) / 20;
  for (std::size_t node = 0; node <= nodes; ++node) {
    const bool table = parts.tables[2].bytes[16 * node + 2] & 0x40;
    const bool token = parts.tables[2].bytes[16 * node + 2] & 0x20;
    const auto spoil = [&](std::size_t at, char byte) {
      return refused([&](auto& p) { p.tables[2].bytes[at] = byte; }, "outside");
    };
    CHECK(spoil(16 * node + 3, '\x1F') == table);  // as many of a table
    CHECK(spoil(16 * node + 7, '\x7F') == table);  // where it begins
    if (node > 0) CHECK(spoil(16 + 16 * nodes + 4 * (node - 1) + 3, '\x7F') == token);  // id
  }
  CHECK(refused([](auto& p) { p.tables[1].bytes.replace(0, 8, 8, '\xFF'); }, "no finite number"));
  CHECK(refused([](auto& p) { p.tables[0].bytes = "a\n\n\n\n\n\n\nb\n"; }, "scores"));
}

TEST_CASE("HOSTILE pieces whose characters fall together are found as others are") {
  Json pieces = Json::array();
  pieces.push_back(piece("<unk>", -20));
  for (char32_t c = 0x1000; c < 0xD000; c += 64) {
    std::string text;
    utf8::append(text, c);
    pieces.push_back(piece(text, -1));
  }
  Json json = unigram_json(pieces);
  json["pre_tokenizer"] = nullptr;
  const Tokenizer t = load_unigram(json);
  std::string text;
  for (char32_t c = 0xD000 - 64; c >= 0x1000; c -= 64) utf8::append(text, c);
  const Encoding e = t.encode(text);
  REQUIRE(e.size() == pieces.size() - 1);
  CHECK(e.ids.front() == static_cast<int32_t>(pieces.size()) - 1);
  CHECK(e.ids.back() == 1);
  CHECK(t.encode("\u1001").ids == std::vector<int32_t>{0});
}

TEST_CASE("HOSTILE a long text without a break is one word") {
  Json pieces = small_pieces();
  pieces.push_back(piece(std::string(512, 'a'), -1));
  const Tokenizer t = load_unigram(unigram_json(pieces));
  constexpr std::size_t kPieces = 2000;
  const Encoding e = t.encode(std::string(512 * kPieces, 'a'));
  CHECK(e.size() == kPieces + 1);
  CHECK(e.word_ids.back() == 0);
  CHECK(t.encode(std::string(2'000'000, 'z')).size() == 2);  // "_" and one unknown token
}

TEST_CASE("HOSTILE character maps that are none are refused") {
  CHECK(CharacterMap(map_of_a(0, std::string("xy\0", 3)), "map").replacement(0) == "xy");
  CHECK(map_is_malformed("", "cut short"));
  CHECK(map_is_malformed(word(0), "empty trie"));
  CHECK(map_is_malformed(word(400) + "abcd", "cut short inside its trie"));
  CHECK(map_is_malformed(word(0xFFFFFFFF) + "abcd", "cut short inside its trie"));
  CHECK(map_is_malformed(word(4) + word(0), "points outside"));
  CHECK(map_is_malformed(word(4) + word(0xFFFFFFFF), "points outside"));
  CHECK(map_is_malformed(map_of_a(4, std::string("xy\0", 3)), "points outside"));
  CHECK(map_is_malformed(map_of_a(0x7FFFFFFF, "xy"), "points outside"));
  CHECK(map_is_malformed(map_of_a(1, "é"), "points outside"));
  CHECK(map_is_malformed(map_of_a(0, "\xFF"), "not UTF-8"));
  CHECK(map_is_malformed(std::string(9 << 20, 'a'), "expected at most"));
  for (const char* text : {"AAA", "AAA=A", "AA*=", "AB==", "é==="}) {
    const Json json = {{"type", "Precompiled"}, {"precompiled_charsmap", text}};
    const auto document = JsonDocument::parse(json.dump(), "test");
    CHECK(mentions(error_of([&] { read_character_map(document.root()); }, ErrorCode::malformed),
                   std::string(text) == "é===" ? "" : "base64"));
  }
}

TEST_CASE("HOSTILE a character map cannot make a text grow without bound") {
  const std::string long_one(100'000, 'x');
  const PrecompiledNormalizer normalizer(CharacterMap(map_of_a(0, long_one), "map"));
  EncodeScratch::Buffers scratch;
  Call call{Allowance(3), scratch};
  Text text;
  text.assign("aaa", 0);
  CHECK(mentions(error_of([&] { normalizer.apply(text, call); }, ErrorCode::too_long),
                 "the normalizer Precompiled"));
}

}  // namespace sapwood::test
