// The storage that a call works in: what stays behind, and that nothing of a call shows in the next.
#include <malloc.h>

#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "changed_json.h"
#include "small_vocab.h"

namespace sapwood::test {
namespace {

// Bytes that the process has allocated; 0 where the allocator does not say.
std::size_t allocated() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

// Tokenizers that between them use every buffer of a scratch.
std::vector<Tokenizer> every_way() {
  Json general = with_normalizer(replace("Regex", "zz", "z"));
  Json words = bert_json();
  for (Json* json : {&general, &words}) {
    (*json)["model"]["max_input_chars_per_word"] = 100'000'000;
  }
  Json accents = with_normalizer({{"type", "NFKC"}});
  accents["added_tokens"].push_back(added_token(small_tokenizer().vocab_size(), "a!", true, true));
  accents["added_tokens"].back()["normalized"] = true;
  return {load(general), small_tokenizer(), load(words), load(accents)};
}

// Encodes the text in several ways; the results are let go.
void use(const Tokenizer& t, EncodeScratch& scratch, const std::string& text) {
  EncodeOptions refuse, bytes;
  refuse.max_length = 8;
  refuse.truncation = Truncation::none;
  bytes.offset_unit = OffsetUnit::bytes;
  Encoding e;
  t.encode_into(e, scratch, text, bytes);
  t.encode_into(e, scratch, text, text, bytes);
  error_of([&] { t.encode_into(e, scratch, text, refuse); }, ErrorCode::too_long);
}

}  // namespace

TEST_CASE("a scratch keeps no storage of a long text, nor of one that was refused") {
  const std::string one_word(4'000'000, 'a'), marks = times("e\u0301 a! ", 400'000);
  for (const Tokenizer& t : every_way()) {
    EncodeScratch scratch;
    for (const std::string* text : {&one_word, &marks}) {
      use(t, scratch, *text);
      CHECK(scratch.bytes() > 0);
      CHECK(scratch.bytes() < 12'000'000);
    }
  }
}

TEST_CASE("a scratch is empty until used, keeps what short texts need, and can be moved") {
  const std::string text = "Hello e\u0301 a! zz [MASK]";
  EncodeScratch scratch;
  CHECK(scratch.bytes() == 0);
  for (const Tokenizer& t : every_way()) use(t, scratch, text);
  const std::size_t warm = scratch.bytes();
  CHECK(warm > 0);
  CHECK(warm < 40'000);
  for (const Tokenizer& t : every_way()) use(t, scratch, text);
  CHECK(scratch.bytes() == warm);
  EncodeScratch other = std::move(scratch);
  CHECK(other.bytes() == warm);
  const Tokenizer t = small_tokenizer();
  Encoding e;
  t.encode_into(e, scratch, text);  // NOLINT: a scratch that was moved from is empty
  CHECK(e.ids == t.encode(text).ids);
  CHECK(scratch.bytes() < warm);
}

TEST_CASE("a scratch goes from one tokenizer and text to another without a trace") {
  const std::string texts[] = {"Hello e\u0301 a! zz [MASK]", "", "\u4e2d\u6587 unwanted,running",
                               std::string(1000, 'a'), " a!  a! "};
  EncodeScratch scratch;
  Encoding e;
  for (int round = 0; round < 2; ++round) {
    for (const std::string& text : texts) {
      for (const Tokenizer& t : every_way()) {
        t.encode_into(e, scratch, text);
        CHECK(e.ids == t.encode(text).ids);
        CHECK(e.offsets == t.encode(text).offsets);
        t.encode_into(e, scratch, text, texts[0]);
        CHECK(e.ids == t.encode(text, texts[0]).ids);
      }
    }
  }
}

TEST_CASE("no storage stays with a thread") {
  const std::vector<Tokenizer> tokenizers = every_way();
  const std::string text = times("e\u0301 a! ", 20'000);
  for (const Tokenizer& t : tokenizers) t.encode("e\u0301 a!");  // tables made once
  const std::size_t before = allocated();
  for (const Tokenizer& t : tokenizers) t.encode(text, text);
  CHECK(allocated() < before + 100'000);
}

}  // namespace sapwood::test
