// What a file or a text can ask for is bounded: growth, time and memory.
#include <ctime>
#include <string>
#include <vector>

#include "catch.h"
#include "changed_json.h"
#include "small_vocab.h"

namespace sapwood::test {
namespace {

template <typename Call>
bool too_long(Call call, const std::string& part) {
  return mentions(error_of(call, ErrorCode::too_long), part);
}

template <typename Call>
bool malformed(Call call, const std::string& part) {
  return mentions(error_of(call, ErrorCode::malformed), part);
}

}  // namespace

TEST_CASE("normalizers cannot make a text grow without bound") {
  const Tokenizer doubles = load(with_normalizer(sequence(40, replace("String", "a", "aa"))));
  CHECK(too_long([&] { doubles.encode("a"); }, "the normalizer Replace adds too much"));
  CHECK(doubles.encode("b").size() == 3);

  const Tokenizer between = load(with_normalizer(replace("Regex", "", std::string(1000, 'b'))));
  CHECK(between.encode("aaa").size() == 3);  // one unknown word
  CHECK(too_long([&] { between.encode(std::string(1000, 'a')); }, "Replace"));

  // What one piece of the text is given counts for all of it.
  const Tokenizer prepends =
      load(with_normalizer({{"type", "Prepend"}, {"prepend", std::string(40'000, 'b')}}));
  CHECK(prepends.encode("a").size() == 3);
  CHECK(too_long([&] { prepends.encode("a[MASK]a"); }, "the normalizer Prepend"));

  const Json spaces = {{"type", "BertNormalizer"},
                       {"clean_text", false},
                       {"handle_chinese_chars", true},
                       {"strip_accents", false},
                       {"lowercase", false}};
  const Tokenizer spreads = load(with_normalizer(sequence(200, spaces)));
  CHECK(too_long([&] { spreads.encode(times("中", 1000)); }, "the normalizer BertNormalizer"));
  CHECK(malformed([] { load(with_normalizer(sequence(300, {{"type", "NFC"}}))); }, "at most 256"));
  CHECK(malformed(
      [] {
        load(with_normalizer(sequence(20, sequence(20, {{"type", "Lowercase"}}))));
      },
      "at most 256"));
}

TEST_CASE("the growth that Unicode asks for is allowed") {
  const Tokenizer t = load(with_normalizer({{"type", "NFKC"}}));
  // Four words with spaces between them, for each character.
  CHECK(t.encode(times("\uFDFA", 200'000)).size() == 3 * 200'000 + 1 + 2);
}

TEST_CASE("pre-tokenizers are at most 256") {
  Json json = bert_json();
  json["pre_tokenizer"] = {
      {"type", "Sequence"},
      {"pretokenizers", Json(std::vector<Json>(257, {{"type", "WhitespaceSplit"}}))}};
  CHECK(malformed([&] { load(json); }, "pre-tokenizers in sequence"));
}

TEST_CASE("a long literal is looked for in linear time") {
  const Tokenizer t =
      load(with_normalizer(replace("String", std::string(100'000, 'a') + "!", "b")));
  const std::clock_t start = std::clock();
  CHECK(t.encode(std::string(4'000'000, 'a')).size() == 3);
  CHECK(std::clock() - start < 8 * CLOCKS_PER_SEC);  // of 0.1 s; quadratic would be 12
  CHECK(t.encode(std::string(100'000, 'a') + "!").ids ==
        std::vector<int32_t>{*t.cls_id(), *t.id("b"), *t.sep_id()});
}

TEST_CASE("an added token of any length is found in linear time") {
  const int next = small_tokenizer().vocab_size();
  const std::string a(30'000, 'a');
  const Tokenizer t = with_added(
      {added_token(next, a + "!", false, false), added_token(next + 1, "aa", false, false)});
  const Encoding none = t.encode(std::string(2'000'001, 'a'));
  CHECK(none.size() == 1'000'003);
  CHECK(none.ids[1] == next + 1);
  const Encoding once = t.encode(a + a + "!aa");
  REQUIRE(once.size() == 15'000 + 4);
  CHECK(once.ids[15'001] == next);
  CHECK(once.ids[15'002] == next + 1);
}

TEST_CASE("added tokens of white space: what several take counts as growth") {
  const int next = small_tokenizer().vocab_size();
  const Tokenizer t =
      with_added({added_token(next, " ", false, true), added_token(next + 1, "[X]", false, true),
                  added_token(next + 2, "\t", true, false)});
  const Encoding e = t.encode("a   b");
  CHECK(e.ids ==
        std::vector<int32_t>{*t.cls_id(), *t.id("a"), next, next, next, *t.id("b"), *t.sep_id()});
  CHECK(e.offsets[2] == Offsets{1, 4});
  CHECK(e.offsets[4] == Offsets{3, 4});
  CHECK(too_long([&] { t.encode(std::string(100'000, ' ')); }, "an added token of white space"));

  // One that takes the space before it, within the space that the one before took.
  EncodeOptions bytes;
  bytes.offset_unit = OffsetUnit::bytes;
  const Encoding inside = t.encode("é[X]\t\té", bytes);
  REQUIRE(inside.size() == 5);
  CHECK(inside.ids[2] == next + 1);
  CHECK(inside.offsets[2] == Offsets{2, 7});
  CHECK(inside.offsets[3] == Offsets{7, 9});
}

TEST_CASE("an added token cannot grow without bound when it is normalized") {
  Json json = with_normalizer(sequence(40, replace("String", "a", "aa")));
  json["added_tokens"].push_back(added_token(small_tokenizer().vocab_size(), "qa", false, false));
  json["added_tokens"].back()["normalized"] = true;
  CHECK(malformed([&] { load(json); }, "'qa' cannot be normalized: the normalizer Replace"));
}

TEST_CASE("a long token of the vocabulary is an error only where a word could hold it") {
  const std::string token(50'000, 'a');
  Json json = bert_json();
  json["model"]["vocab"][token] = small_tokenizer().vocab_size();
  CHECK(load(json).encode("hello").size() == 3);
  json["model"]["max_input_chars_per_word"] = 100'000'000;
  const std::string error = error_of([&] { load(json); }, ErrorCode::malformed);
  CHECK(mentions(error, "has 50000 bytes; expected at most 512"));
  CHECK(error.size() < 500);
  json["model"]["vocab"].erase(token);
  json["model"]["vocab"]["##" + std::string(400, 'b')] = small_tokenizer().vocab_size();
  const Tokenizer t = load(json);
  CHECK(t.encode("a" + std::string(800, 'b')).size() == 5);
}

TEST_CASE("templates: at most 256 special tokens and 4 texts") {
  const Json cls = {{"SpecialToken", {{"id", "[CLS]"}, {"type_id", 0}}}};
  const Json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  Json json = bert_json();
  json["post_processor"]["single"] = Json(std::vector<Json>(256, cls));
  json["post_processor"]["single"].push_back(text);
  CHECK(load(json).encode("a").size() == 257);
  json["post_processor"]["single"].push_back(cls);
  CHECK(malformed([&] { load(json); }, "at most 256 special tokens and 4 texts, found 257 and 1"));
  json["post_processor"]["single"] = Json(std::vector<Json>(4, text));
  CHECK(load(json).encode("a").size() == 4);
  json["post_processor"]["single"].push_back(text);
  CHECK(malformed([&] { load(json); }, "found 0 and 5"));
}

TEST_CASE("windows take at most 128 MiB, whatever makes them many") {
  const Tokenizer t = small_tokenizer();
  EncodeOptions o;
  o.max_length = 64;
  o.stride = 61;
  CHECK(too_long([&] { t.encode(times("a ", 300'000), o); }, "128 MiB; split the text"));
  o.max_length = 4;
  o.stride = 0;
  CHECK(too_long([&] { t.encode(times("a ", 1'000'000), o); }, "windows"));
  o.max_length = 512;
  o.stride = 128;
  const Encoding e = t.encode(times("a ", 1'000'000), o);
  CHECK(e.overflowing.size() == (1'000'000 - 128 + 381) / 382 - 1);
}

TEST_CASE("the texts of tokens count in the windows' memory, and stay with their tokens") {
  const int next = small_tokenizer().vocab_size();
  const Tokenizer t = with_added({added_token(next, "[X]", false, true)});
  EncodeOptions o;
  o.max_length = 202;
  o.stride = 199;
  const std::string words = times("a ", 200);
  CHECK(t.encode(words + "[X]" + std::string(100'000, ' ') + words, o).overflowing.size() == 201);
  CHECK(too_long([&] { t.encode(words + "[X]" + std::string(2'000'000, ' ') + words, o); },
                 "windows"));

  o.max_length = 5;
  o.stride = 1;
  const Encoding e = t.encode(times("a [X]  ", 20'000), o);
  std::size_t wrong = 0;
  for (const Encoding& window : e.overflowing) {
    std::size_t texts = 0;
    for (std::size_t i = 0; i < window.size(); ++i) texts += window.ids[i] == next;
    wrong += window.token_texts.size() != texts;
    for (const TokenText& text : window.token_texts) {
      wrong += window.ids[static_cast<std::size_t>(text.index)] != next || text.text != "[X]  ";
    }
  }
  CHECK(e.overflowing.size() == 19'999);
  CHECK(wrong == 0);
}

TEST_CASE("padding adds at most 65,536 tokens") {
  const Tokenizer t = small_tokenizer();
  std::vector<Encoding> batch{t.encode("hello")};
  PaddingSection padding;
  padding.fixed_length = 2'147'483'647;
  auto pad = [&] { Tokenizer::pad(batch, padding); };
  CHECK(mentions(error_of(pad, ErrorCode::invalid_argument), "at most 65536"));
  padding.fixed_length.reset();
  padding.pad_to_multiple_of = 2'147'483'647;
  CHECK(mentions(error_of(pad, ErrorCode::invalid_argument), "at most 65536"));
  padding.pad_to_multiple_of = 65'536;
  pad();
  CHECK(batch[0].size() == 65'536);
}

TEST_CASE("few ids cannot ask for more text than there is memory") {
  Json json = bert_json();
  const int id = small_tokenizer().vocab_size();
  json["model"]["vocab"][std::string(1'000'000, 'a')] = id;
  const Tokenizer t = load(json);
  CHECK(t.decode(std::vector<int32_t>(10, id)).size() == 10'000'009);
  CHECK(too_long([&] { t.decode(std::vector<int32_t>(300, id)); }, "fewer ids"));
  Encoding e;
  e.ids.assign(300, id);
  CHECK(too_long([&] { t.tokens(e); }, "fewer ids"));
}

}  // namespace sapwood::test
