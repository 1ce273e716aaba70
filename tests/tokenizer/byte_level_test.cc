// Byte-level BPE's steps: bytes as characters, GPT-2's pattern, its decoder and post-processors.
#include "byte_level.h"

#include <random>
#include <set>
#include <string>

#include "catch.h"
#include "changed_json.h"
#include "sapwood/utf8.h"

namespace sapwood::test {
namespace {

const std::string kSpace = "Ġ";

Json byte_level(bool prefix_space = false, bool trim = true) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", prefix_space}, {"trim_offsets", trim}};
}

// Every byte, a few merges, and RoBERTa's special tokens.
Json byte_json() {
  Json vocab = {{"<s>", 0}, {"<pad>", 1}, {"</s>", 2}, {"<unk>", 3}};
  for (int byte = 0; byte < 256; ++byte) {
    std::string c;
    utf8::append(c, byte_level_char(static_cast<uint8_t>(byte)));
    vocab[c] = 4 + byte;
  }
  Json merges = Json::array();
  const auto merge = [&](const std::string& left, const std::string& right) {
    merges.push_back({left, right});
    vocab[left + right] = vocab.size();
  };
  merge("t", "h");
  merge("th", "e");
  merge(kSpace, "the");
  merge(kSpace, kSpace);
  merge("'", "s");
  merge("Ã", "©");  // the bytes of é
  vocab["<mask>"] = vocab.size();
  const int mask = vocab["<mask>"];
  Json added = Json::array();
  for (const auto& [token, id] :
       {std::pair{"<s>", 0}, {"<pad>", 1}, {"</s>", 2}, {"<unk>", 3}, {"<mask>", mask}}) {
    added.push_back(added_token(id, token, std::string(token) == "<mask>", false));
    added.back()["special"] = true;
  }
  return {{"version", "1.0"},
          {"added_tokens", added},
          {"pre_tokenizer", byte_level()},
          {"post_processor",
           {{"type", "RobertaProcessing"},
            {"sep", {"</s>", 2}},
            {"cls", {"<s>", 0}},
            {"trim_offsets", true},
            {"add_prefix_space", false}}},
          {"decoder", byte_level()},
          {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", merges}}}};
}

// The same steps in a sequence, for which there is no shortcut.
Json without_shortcut(Json json) {
  json["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", {json["pre_tokenizer"]}}};
  return json;
}

std::vector<std::string> words(const Json& pre_tokenizer, const std::string& text) {
  Json json = byte_json();
  json["pre_tokenizer"] = pre_tokenizer;
  const Tokenizer t = load(json);
  const Encoding e = t.encode(text, {.add_special_tokens = false});
  std::vector<std::string> result;
  for (std::size_t i = 0; i < e.size(); ++i) {
    if (i == 0 || e.word_ids[i] != e.word_ids[i - 1]) result.emplace_back();
    result.back() += t.token(e.ids[i]);
  }
  return result;
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("bytes and characters stand for each other, one to one") {
  std::set<char32_t> chars;
  for (int byte = 0; byte < 256; ++byte) {
    const char32_t c = byte_level_char(static_cast<uint8_t>(byte));
    CHECK(byte_level_byte(c) == byte);
    chars.insert(c);
  }
  CHECK(chars.size() == 256);
  CHECK(byte_level_char('a') == U'a');
  CHECK(byte_level_char(' ') == U'\u0120');
  CHECK(byte_level_char('\n') == U'\u010a');
  CHECK(byte_level_char(0xAD) == U'\u0143');
  CHECK(byte_level_byte(U' ') == -1);
  CHECK(byte_level_byte(U'\u0144') == -1);
  CHECK(byte_level_byte(U'\U0010ffff') == -1);
}

TEST_CASE("GPT-2's pattern: contractions, letters, numbers, the rest, and white space") {
  CHECK(words(byte_level(), "it's we'll 'x") == Strings{"it", "'s", "Ġwe", "'ll", "Ġ'", "x"});
  CHECK(words(byte_level(), "a1 ½!?  b") == Strings{"a", "1", "ĠÂ½", "!?", "Ġ", "Ġb"});
  CHECK(words(byte_level(), "x \n y\n") == Strings{"x", "ĠĊ", "Ġy", "Ċ"});
  CHECK(words(byte_level(), "'S 're'") == Strings{"'", "S", "Ġ'", "re", "'"});
  CHECK(words(byte_level(true), "a") == Strings{"Ġa"});
  CHECK(words(byte_level(true), " a") == Strings{"Ġa"});
  CHECK(words(byte_level(true), "\na") == Strings{"Ġ", "Ċ", "a"});
  Json whole = byte_level();
  whole["use_regex"] = false;
  CHECK(words(whole, "it's a") == Strings{"it'sĠa"});
}

TEST_CASE("tokens of bytes: roles, templates, the mask that takes the space before it") {
  const Tokenizer t = load(byte_json());
  CHECK(t.cls_id() == 0);
  CHECK(t.sep_id() == 2);
  CHECK(t.pad_id() == 1);
  CHECK(t.mask_id() == t.id("<mask>"));
  CHECK(t.num_special_tokens(true) == 4);
  const int32_t the = *t.id("the"), spaced = *t.id("Ġthe"), mask = *t.mask_id();
  const Encoding pair = t.encode("the", " the");
  CHECK(pair.ids == std::vector<int32_t>{0, the, 2, 2, spaced, 2});
  CHECK(pair.type_ids == std::vector<int32_t>(6, 0));
  CHECK(pair.offsets[4] == Offsets{1, 4});
  const Encoding e = t.encode("the <mask> the");
  CHECK(e.ids == std::vector<int32_t>{0, the, mask, spaced, 2});
  CHECK(e.offsets[2] == Offsets{4, 10});
  CHECK(t.tokens(e)[2] == " <mask>");
  CHECK(t.decode(e.ids) == "the the");
  CHECK(t.decode(e.ids, false) == "<s>the<mask> the</s>");
  // In bytes the same characters.
  CHECK(t.encode("é the", {.offset_unit = OffsetUnit::bytes}).offsets[2] == Offsets{3, 6});
}

TEST_CASE("bytes that are not text decode to one replacement for each part of a character") {
  const auto text = [](std::string_view bytes) {
    std::vector<std::string> tokens(1);
    for (const char c : bytes) {
      utf8::append(tokens[0], byte_level_char(static_cast<uint8_t>(c)));
    }
    return byte_level_text(tokens);
  };
  CHECK(text("caf\xc3\xa9") == "café");
  CHECK(text("\xc3") == "\uFFFD");
  CHECK(text("\xe4\xb8x") == "\uFFFDx");
  CHECK(text("\xf0\x9f\x98") == "\uFFFD");
  CHECK(text("\xf0\x80\x80") == "\uFFFD\uFFFD\uFFFD");
  CHECK(text("\xed\xa0\x80") == "\uFFFD\uFFFD\uFFFD");
  CHECK(text("\xf5\xff\x80z") == "\uFFFD\uFFFD\uFFFDz");
  CHECK(text(std::string(100'000, '\xc3')).size() == 300'000);
  // A token that has other characters is taken as it is.
  CHECK(byte_level_text(Strings{"Ġa", " b", "中", "Ċ"}) == " a b中\n");
  CHECK(byte_level_text(Strings{"\xff"}) == "\uFFFD");
  CHECK(byte_level_text(Strings{}).empty());
}

TEST_CASE("a shortcut through text gives what the steps give") {
  static constexpr const char* kParts[] = {
      "the",    " the",    " ",       "  ",  "\n",           "\t",  "'s",         "'",
      "é",      "e\u0301", " \u0301", "ﬁ",   "中文",         "한",  "\u00a0",     "\u2003",
      "\u0085", "1",       "½",       "!",   "<mask>",       "<s>", "\U0001f600", "\u212b",
      "ñ",      "x",       "they",    "'ll", "\u1100\u1161", "İ"};
  std::mt19937 random(7);
  for (const char* normalizer : {"null", R"({"type":"NFC"})"}) {
    for (const bool prefix_space : {false, true}) {
      for (const char* extra : {"", "  ", "é1", "e  x"}) {
        Json json = byte_json();
        json["normalizer"] = Json::parse(normalizer);
        json["pre_tokenizer"] = byte_level(prefix_space);
        json["post_processor"]["add_prefix_space"] = prefix_space;
        if (*extra) {
          json["added_tokens"].push_back(
              added_token(static_cast<int>(json["model"]["vocab"].size()), extra, false, false));
          json["added_tokens"].back()["normalized"] = true;
        }
        const Tokenizer fast = load(json), slow = load(without_shortcut(json));
        for (int i = 0; i < 1500; ++i) {
          std::string text;
          for (std::size_t n = random() % 12; n > 0; --n)
            text += kParts[random() % std::size(kParts)];
          CAPTURE(text, normalizer, prefix_space, extra);
          const Encoding a = fast.encode(text), b = slow.encode(text);
          CHECK(a.ids == b.ids);
          CHECK(a.offsets == b.offsets);
          CHECK(a.word_ids == b.word_ids);
          EncodeOptions few;
          few.max_length = 5;
          few.overflowing = false;
          CHECK(fast.encode(text, few).ids == slow.encode(text, few).ids);
        }
      }
    }
  }
}

TEST_CASE("10 MB without a space are cut in n log n") {
  const Tokenizer t = load(byte_json());
  CHECK(t.encode(std::string(10'000'000, 'x')).size() == 10'000'002);
  CHECK(t.encode(times("the", 1'000'000)).size() == 1'000'002);
  CHECK(t.encode(times("é", 1'000'000)).size() == 1'000'002);
  CHECK(t.encode(std::string(1'000'000, ' ')).size() == 500'002);
}

TEST_CASE("post-processors in a row: one may trim, and a template comes last") {
  Json json = byte_json();
  const Json roberta = json["post_processor"];
  Json untrimmed = roberta;
  untrimmed["trim_offsets"] = false;
  const auto with = [&](const Json& processors) {
    json["post_processor"] = {{"type", "Sequence"}, {"processors", processors}};
    return json;
  };
  CHECK(load(with({byte_level(), untrimmed})).encode("the the").offsets[2] == Offsets{4, 7});
  CHECK(load(with({byte_level(false, false), untrimmed})).encode("the the").offsets[2] ==
        Offsets{3, 7});
  CHECK(load(with(Json::array())).encode("the").size() == 1);
  const auto error = [&](const Json& processors) {
    return error_of([&] { load(with(processors)); }, ErrorCode::unsupported);
  };
  CHECK(mentions(error({byte_level(), roberta}), "trimmed for the second time"));
  CHECK(mentions(error({untrimmed, byte_level()}), "comes after one with a template"));
  CHECK(mentions(error({{{"type", "Sequence"}, {"processors", Json::array()}}}), "Sequence"));

  json = byte_json();
  json["added_tokens"].push_back(added_token(static_cast<int>(json["model"]["vocab"].size()),
                                             std::string(70'000, ' '), false, false));
  CHECK(mentions(error_of([&] { load(json); }, ErrorCode::malformed), "65535"));
  json["post_processor"]["trim_offsets"] = false;
  CHECK(load(json).encode("the").size() == 3);
}

}  // namespace sapwood::test
