// The public interface: encoding, windows, offsets, decoding, padding.
#include <string>
#include <thread>
#include <vector>

#include "catch.h"
#include "sapwood/utf8.h"
#include "small_vocab.h"

using sapwood::EncodeOptions;
using sapwood::EncodeScratch;
using sapwood::Encoding;
using sapwood::ErrorCode;
using sapwood::Offsets;
using sapwood::Tokenizer;
using sapwood::Truncation;
using sapwood::test::error_of;
using sapwood::test::small_tokenizer;
using Strings = std::vector<std::string>;

TEST_CASE("Google's own tokenization cases") {
  const Tokenizer t = small_tokenizer();
  CHECK(t.tokens(t.encode("UNwant\u00e9d,running")) ==
        Strings{"[CLS]", "un", "##want", "##ed", ",", "runn", "##ing", "[SEP]"});
  CHECK(t.tokens(t.encode(" \tHeLLo!how  \n Are yoU?  ")) ==
        Strings{"[CLS]", "hello", "!", "how", "are", "you", "?", "[SEP]"});
  CHECK(t.tokens(t.encode("unwantedX running")) ==
        Strings{"[CLS]", "[UNK]", "runn", "##ing", "[SEP]"});
}

TEST_CASE("empty and blank texts are only special tokens") {
  const Tokenizer t = small_tokenizer();
  for (const char* text : {"", " ", "\t\r\n  ", "\u00a0\u3000", "\u200b\ufeff"}) {
    CHECK(t.encode(text).ids == std::vector<int32_t>{*t.cls_id(), *t.sep_id()});
    CHECK(t.encode(text, text).ids == std::vector<int32_t>{*t.cls_id(), *t.sep_id(), *t.sep_id()});
  }
}

TEST_CASE("offsets count code points, or bytes on request, of the caller's text") {
  const Tokenizer t = small_tokenizer();
  const std::string text = "中é\u0301 wanted";
  Encoding e = t.encode(text);
  CHECK(t.tokens(e) == Strings{"[CLS]", "中", "[UNK]", "want", "##ed", "[SEP]"});
  CHECK(e.offsets == std::vector<Offsets>{{0, 0}, {0, 1}, {1, 2}, {4, 8}, {8, 10}, {0, 0}});
  EncodeOptions bytes;
  bytes.offset_unit = sapwood::OffsetUnit::bytes;
  e = t.encode(text, bytes);
  CHECK(e.offsets == std::vector<Offsets>{{0, 0}, {0, 3}, {3, 5}, {8, 12}, {12, 14}, {0, 0}});
  EncodeOptions none;
  none.offsets = false;
  CHECK(t.encode(text, none).offsets.empty());
  CHECK(t.encode(text, none).ids == e.ids);
}

TEST_CASE("pairs carry types, sequences and words") {
  const Tokenizer t = small_tokenizer();
  const Encoding e = t.encode("hello wanted", "how");
  CHECK(e.ids.size() == 7);
  CHECK(e.type_ids == std::vector<int32_t>{0, 0, 0, 0, 0, 1, 1});
  CHECK(e.sequence_ids == std::vector<int32_t>{-1, 0, 0, 0, -1, 1, -1});
  CHECK(e.word_ids == std::vector<int32_t>{-1, 0, 1, 1, -1, 0, -1});
  CHECK(e.special_tokens_mask == std::vector<uint8_t>{1, 0, 0, 0, 1, 0, 1});
}

TEST_CASE("truncation keeps, drops, overlaps and refuses as asked") {
  const Tokenizer t = small_tokenizer();
  EncodeOptions o;
  o.max_length = 5;
  o.stride = 1;
  Encoding e = t.encode("hello how are you the of a", o);
  CHECK(e.truncated);
  CHECK(t.tokens(e) == Strings{"[CLS]", "hello", "how", "are", "[SEP]"});
  REQUIRE(e.overflowing.size() == 2);
  CHECK(t.tokens(e.overflowing[0]) == Strings{"[CLS]", "are", "you", "the", "[SEP]"});
  CHECK(t.tokens(e.overflowing[1]) == Strings{"[CLS]", "the", "of", "a", "[SEP]"});

  o.overflowing = false;
  CHECK(t.encode("hello how are you the of a", o).overflowing.empty());
  CHECK(t.encode("hello how are you the of a", o).ids == e.ids);
  CHECK(t.encode("hello how are you the of a", o).truncated);
  CHECK_FALSE(t.encode("hello how are", o).truncated);
  o.truncation_direction = sapwood::Direction::left;
  CHECK(t.tokens(t.encode("hello how are you the of a", o)) ==
        Strings{"[CLS]", "the", "of", "a", "[SEP]"});

  o.truncation = Truncation::none;
  CHECK(t.encode("hello how are", o).size() == 5);
  CHECK(error_of([&] { t.encode("hello how are you", o); }, ErrorCode::too_long).find("4 tokens") !=
        std::string::npos);
}

TEST_CASE("lengths that cannot be met are clear errors") {
  const Tokenizer t = small_tokenizer();
  EncodeOptions o;
  for (int length : {-1, 0, 1}) {
    o.max_length = length;
    CHECK(error_of([&] { t.encode("hello", o); }, ErrorCode::invalid_argument).find("max_length") ==
          0);
  }
  o.max_length = 2;
  CHECK(t.encode("hello", o).size() == 2);
  CHECK(error_of([&] { t.encode("hello", "how", o); }, ErrorCode::invalid_argument)
            .find("max_length") == 0);
  o.max_length = 3;
  CHECK(t.encode("hello", "how", o).size() == 3);
  CHECK(t.encode("", "how", o).size() == 3);
  o.max_length = 4;
  o.stride = 2;
  CHECK(
      error_of([&] { t.encode("hello how are", o); }, ErrorCode::invalid_argument).find("stride") ==
      0);
  o.stride = -1;
  CHECK(
      error_of([&] { t.encode("hello how are", o); }, ErrorCode::invalid_argument).find("stride") ==
      0);
  o.stride = 0;
  o.truncation = Truncation::only_second;
  CHECK(error_of([&] { t.encode("hello how are", o); }, ErrorCode::too_long).find("second") !=
        std::string::npos);
  o.truncation = Truncation::only_first;
  CHECK(error_of([&] { t.encode("a", "hello how are", o); }, ErrorCode::too_long).find("first") !=
        std::string::npos);
}

TEST_CASE("special tokens in the text are parsed, or plain on request") {
  const Tokenizer t = small_tokenizer();
  CHECK(t.encode("a [MASK] b").ids[2] == *t.mask_id());
  EncodeOptions o;
  o.parse_special_tokens = false;
  const Encoding e = t.encode("a [MASK] b [SEP]", o);
  CHECK(std::count(e.ids.begin(), e.ids.end(), *t.mask_id()) == 0);
  CHECK(std::count(e.ids.begin(), e.ids.end(), *t.sep_id()) == 1);
  CHECK(t.is_special(*t.mask_id()));
  CHECK_FALSE(t.is_special(*t.id("hello")));
}

TEST_CASE("decoding joins pieces and tidies punctuation") {
  const Tokenizer t = small_tokenizer();
  const Encoding e = t.encode("Hello, unwanted running!");
  CHECK(t.decode(e.ids) == "hello, unwanted running!");
  CHECK(t.decode(e.ids, false) == "[CLS] hello, unwanted running! [SEP]");
  CHECK(t.decode(std::vector<int32_t>{-1, 1'000'000, *t.id("hello")}) == "hello");
}

TEST_CASE("tokens and ids are looked up, and ids out of range refused") {
  const Tokenizer t = small_tokenizer();
  CHECK(t.token(*t.id("##ing")) == "##ing");
  CHECK_FALSE(t.id("nothing"));
  CHECK(t.vocab_size() == 34);
  CHECK(error_of([&] { t.token(34); }, ErrorCode::invalid_argument).find("34") !=
        std::string::npos);
  CHECK(error_of([&] { t.token(-1); }, ErrorCode::invalid_argument).find("-1") !=
        std::string::npos);
}

TEST_CASE("padding fills windows too, on either side, to a multiple") {
  const Tokenizer t = small_tokenizer();
  EncodeOptions o;
  o.max_length = 5;
  std::vector<Encoding> batch{t.encode("hello how are you", o), t.encode("a")};
  sapwood::PaddingSection padding;
  padding.pad_id = *t.pad_id();
  padding.pad_to_multiple_of = 4;
  Tokenizer::pad(batch, padding);
  for (const Encoding& e : batch) {
    CHECK(e.size() == 8);
    CHECK(e.offsets.size() == 8);
    CHECK(e.special_tokens_mask.back() == 1);
    CHECK(e.ids.back() == *t.pad_id());
  }
  CHECK(batch[0].overflowing[0].size() == 8);
  padding.direction = sapwood::Direction::left;
  padding.fixed_length = 12;
  Tokenizer::pad(batch, padding);
  CHECK(batch[1].size() == 12);
  CHECK(batch[1].ids[0] == *t.pad_id());
}

TEST_CASE("one tokenizer serves many threads, and one encoding many texts") {
  const Tokenizer t = small_tokenizer();
  const Strings texts{"hello how are you", "UNwantéd,running", "中文 é", "", "a b c [MASK]"};
  std::vector<std::vector<int32_t>> expected;
  for (const auto& text : texts) expected.push_back(t.encode(text).ids);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (int k = 0; k < 4; ++k) {
    threads.emplace_back([&, k] {
      Encoding e;
      EncodeScratch scratch;
      for (int i = 0; i < 500; ++i) {
        const std::size_t n = static_cast<std::size_t>(i + k) % texts.size();
        t.encode_into(e, scratch, texts[n]);
        wrong[k] += e.ids != expected[n];
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4, 0));
}
