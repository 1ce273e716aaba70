// The model BPE: merging, and files that mean harm.
#include "bpe.h"

#include <random>
#include <string>

#include "catch.h"
#include "changed_json.h"

namespace sapwood::test {
namespace {

// A tokenizer.json of the model alone: each text is one word.
Json bpe_json(const Json& vocab, const Json& merges) {
  return {{"version", "1.0"},
          {"added_tokens", Json::array()},
          {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", merges}}}};
}

Json letters() {
  return {{"a", 0},  {"b", 1},   {"c", 2},  {"ab", 3},   {"abc", 4},
          {"bc", 5}, {"<u>", 6}, {"aa", 7}, {"aaaa", 8}, {"é", 9}};
}

std::vector<int32_t> ids(const Json& json, const std::string& text) {
  return load(json).encode(text).ids;
}

std::vector<int32_t> ids_of(const std::vector<BpeSymbol>& symbols) {
  std::vector<int32_t> result;
  for (const BpeSymbol& symbol : symbols) result.push_back(symbol.id);
  return result;
}

}  // namespace

TEST_CASE("merges: the lowest rank first, the leftmost of equal ones, in both forms of the file") {
  for (const Json& merges :
       {Json{"b c", "a b", "a bc"},
        Json::array({Json::array({"b", "c"}), Json::array({"a", "b"}), Json::array({"a", "bc"})}),
        Json{"#version: 0.2", "b c", "a b", "a bc"}}) {
    CHECK(ids(bpe_json(letters(), merges), "abcab") == std::vector<int32_t>{4, 3});
  }
  CHECK(ids(bpe_json(letters(), {"a a", "aa aa"}), "aaaaaaa") == std::vector<int32_t>{8, 7, 0});
  // Of equal merges the last one counts.
  CHECK(ids(bpe_json(letters(), {"a b", "b c", "a b"}), "abc") == std::vector<int32_t>{0, 5});
  // A file that is older than "type".
  Json old = bpe_json(letters(), {"a b"});
  old["model"].erase("type");
  CHECK(ids(old, "ab") == std::vector<int32_t>{3});
  CHECK(Tokenizer::from_parts(load(old).to_parts()).encode("ab").ids == std::vector<int32_t>{3});
}

TEST_CASE("merges: searching through a short word and the queue of a long one agree") {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    const auto tokens = static_cast<int32_t>(4 + random() % 30);
    std::vector<MergeTable::Merge> merges;
    // A result is a new token, as it is wherever results are what two texts are together.
    for (int32_t i = 0; i < tokens; ++i) {
      const auto pick = [&] {
        return static_cast<int32_t>(random() % static_cast<uint32_t>(4 + i));
      };
      merges.push_back({pick(), pick(), 4 + i});
    }
    std::shuffle(merges.begin(), merges.end(), random);
    const MergeTable searched(merges, false), queued(merges, true);
    std::vector<BpeCandidate> storage;
    for (int word = 0; word < 20; ++word) {
      std::vector<BpeSymbol> one;
      for (std::size_t i = random() % 24 + 1; i > 0; --i) {
        one.push_back({static_cast<int32_t>(random() % 4), 1, 0, 0});
      }
      std::vector<BpeSymbol> other = one;
      const std::size_t bytes = one.size();
      searched.apply(one, storage);
      queued.apply(other, storage);
      CHECK(ids_of(one) == ids_of(other));
      std::size_t covered = 0;
      for (const BpeSymbol& symbol : one) covered += symbol.length;
      CHECK(covered == bytes);
    }
  }
}

TEST_CASE("BPE: merges of tokens that are not there, broken merges, and what is refused by name") {
  const auto error = [](const Json& merges) {
    return error_of([&] { load(bpe_json(letters(), merges)); }, ErrorCode::malformed);
  };
  CHECK(mentions(error({"a b", "a x"}), "model.merges[1]"));
  CHECK(mentions(error({"a x"}), "needs the token 'x', which the vocabulary lacks"));
  CHECK(mentions(error({"x a"}), "needs the token 'x'"));
  CHECK(mentions(error({"a c"}), "needs the token 'ac'"));
  CHECK(mentions(error({"a  b"}), "two tokens with a space between them"));
  CHECK(mentions(error({"ab"}), "two tokens with a space between them"));
  CHECK(mentions(error({{"a"}}), "a pair of tokens"));
  CHECK(mentions(error({{"a", "b", "c"}}), "a pair of tokens"));
  CHECK(mentions(error(Json::array({Json::array({"a", 7})})), "string"));
  CHECK(mentions(error(Json::array({7})), "a pair of tokens"));
  CHECK(mentions(error(Json::object()), "an array of merges"));
  Json json = bpe_json(letters(), {"a b"});
  json["model"].erase("merges");
  CHECK(mentions(error_of([&] { load(json); }, ErrorCode::malformed), "merges"));

  const auto with = [](const char* key, const Json& value) {
    Json changed = bpe_json(letters(), {"a b"});
    changed["model"][key] = value;
    return changed;
  };
  CHECK(mentions(error_of([&] { load(with("dropout", 0.1)); }, ErrorCode::unsupported), "dropout"));
  CHECK(ids(with("dropout", 0.0), "ab") == std::vector<int32_t>{3});
  CHECK(ids(with("dropout", nullptr), "ab") == std::vector<int32_t>{3});
  CHECK(mentions(error_of([&] { load(with("end_of_word_suffix", std::string(65, 'x'))); },
                          ErrorCode::malformed),
                 "at most 64 bytes"));
  json = with("byte_fallback", true);
  json["model"]["end_of_word_suffix"] = "</w>";
  CHECK(mentions(error_of([&] { load(json); }, ErrorCode::unsupported), "byte_fallback"));
  json = with("continuing_subword_prefix", "##");
  CHECK(mentions(error_of([&] { load(json); }, ErrorCode::malformed), "shorter than"));
}

TEST_CASE("BPE: merges whose result is one of their own tokens load and end") {
  // The prefix is taken from the second token, so that a token and the prefix make that token again.
  Json json = bpe_json({{"a", 0}, {"#", 1}, {"#a", 2}, {"##", 3}, {"aa", 4}},
                       Json::array({Json::array({"a", "#"}), Json::array({"a", "#a"})}));
  json["model"]["continuing_subword_prefix"] = "#";
  CHECK(ids(json, "aa") == std::vector<int32_t>{4});
  CHECK(ids(json, "a#") == std::vector<int32_t>{0, 3});
  json["model"]["merges"].push_back(Json::array({"a", "##"}));
  json["model"]["vocab"]["a#"] = 5;
  CHECK(ids(json, "a#") == std::vector<int32_t>{5});
}

TEST_CASE("BPE: characters that the vocabulary lacks") {
  Json json = bpe_json(letters(), {"a b"});
  // Nothing stands for them, and what follows moves to the left, as in the reference.
  CHECK(ids(json, "xab") == std::vector<int32_t>{3});
  CHECK(load(json).encode("xab").offsets == std::vector<Offsets>{{0, 2}});
  CHECK(load(json).encode("xyz").ids.empty());
  CHECK_FALSE(load(json).unk_id());
  json["model"]["unk_token"] = "<u>";
  CHECK(ids(json, "xyab") == std::vector<int32_t>{6, 6, 3});
  CHECK(load(json).unk_id() == 6);
  json["model"]["fuse_unk"] = true;
  CHECK(ids(json, "xyab") == std::vector<int32_t>{6, 3});
  json["model"]["unk_token"] = "<none>";
  CHECK(ids(json, "ab") == std::vector<int32_t>{3});
  CHECK(mentions(error_of([&] { ids(json, "x"); }, ErrorCode::unsupported), "'<none>'"));
}

TEST_CASE("BPE: a word that is a token stays one where merges are ignored") {
  Json json = bpe_json(letters(), {"a b"});
  CHECK(ids(json, "abc") == std::vector<int32_t>{3, 2});
  CHECK(ids(json, "abc") == std::vector<int32_t>{3, 2});
  json["model"]["ignore_merges"] = true;
  CHECK(ids(json, "abc") == std::vector<int32_t>{4});
  CHECK(ids(json, "abca") == std::vector<int32_t>{3, 2, 0});
}

TEST_CASE("BPE: a table of merges that is broken, and one of another model") {
  const Tokenizer t = load(bpe_json(letters(), {"a b", "b c"}));
  Tokenizer::Parts parts = t.to_parts();
  REQUIRE(parts.tables.size() == 2);
  CHECK(parts.tables[1].name == "merges");
  CHECK(parts.tables[1].bytes.size() == 16);
  CHECK(Tokenizer::from_parts(parts).encode("abc").ids == std::vector<int32_t>{3, 2});
  const auto error = [&](const std::string& bytes) {
    Tokenizer::Parts broken = parts;
    broken.tables[1].bytes = bytes;
    return error_of([&] { Tokenizer::from_parts(broken); }, ErrorCode::malformed);
  };
  CHECK(mentions(error(parts.tables[1].bytes.substr(1)), "cut short"));
  CHECK(mentions(error(std::string(8, '\xff')), "no token has the id 4294967295"));
  CHECK(mentions(error({"\0\0\0\0\2\0\0\0", 8}), "needs the token 'ac'"));
  parts.tables[1].name = "scores";
  CHECK(
      mentions(error_of([&] { Tokenizer::from_parts(parts); }, ErrorCode::unsupported), "scores"));
}

TEST_CASE("BPE: time and memory of a word are n log n, and a long word leaves nothing behind") {
  Json merges = {"a b", "ab c", "b c", "a a", "aa aa"};
  const Tokenizer t = load(bpe_json(letters(), merges));
  CHECK(t.encode(std::string(10'000'000, 'a')).size() == 2'500'000);
  CHECK(t.encode(times("abc", 1'000'000)).size() == 1'000'000);
  CHECK(t.encode(times("é", 1'000'000)).size() == 1'000'000);
  EncodeScratch scratch;
  Encoding e;
  t.encode_into(e, scratch, std::string(3'000'000, 'a'));
  CHECK(scratch.bytes() < 40'000'000);
}

TEST_CASE("BPE: a vocabulary of ids beyond measure") {
  Json vocab = letters();
  vocab["far"] = 10'000'000;
  CHECK(mentions(error_of([&] { load(bpe_json(vocab, Json::array())); }, ErrorCode::malformed),
                 "ids may be left out"));
  vocab["far"] = 500'000;
  CHECK(load(bpe_json(vocab, Json::array())).vocab_size() == 500'001);
}

TEST_CASE("BPE: which token continues a word") {
  Json json = bpe_json(letters(), {"a b"});
  const Tokenizer plain = load(json);
  CHECK(plain.continues_word(0, "a", "xa"));
  CHECK_FALSE(plain.continues_word(0, "a", " a"));
  CHECK_FALSE(plain.continues_word(0, "a", ""));
  // transformers' unknown token counts, also where the model has none.
  const Tokenizer named = Tokenizer::from_json(json.dump(), R"({"unk_token": "<u>"})");
  CHECK(named.unk_id() == 6);
  CHECK_FALSE(named.continues_word(6, "x", "ax"));
  CHECK(Tokenizer::from_json(named.to_json()).unk_id() == 6);
  json["model"]["merges"] = Json::array();
  json["model"]["continuing_subword_prefix"] = "##";
  CHECK(load(json).continues_word(3, "b", " b"));
  CHECK_FALSE(load(json).continues_word(3, "ab", "xa"));
}

}  // namespace sapwood::test
