// A tokenizer written and read again: as one tokenizer.json, and in parts.
#include <filesystem>
#include <string>

#include "catch.h"
#include "sapwood/tokenizer/tokenizer.h"
#include "small_vocab.h"

namespace sapwood::test {

namespace fs = std::filesystem;

TEST_CASE("to_json keeps everything, the configuration's roles and limit included") {
  const std::string config =
      R"({"cls_token": "[SEP]", "pad_token": {"content": "[MASK]"}, "model_max_length": 77})";
  const Tokenizer t = Tokenizer::from_json(small_tokenizer().to_json(), config);
  const Tokenizer again = Tokenizer::from_json(t.to_json());
  for (const Tokenizer* x : {&t, &again}) {
    CHECK(x->cls_id() == 3);
    CHECK(x->pad_id() == 4);
    CHECK(x->unk_id() == 1);
    CHECK(x->model_max_length() == 77);
    CHECK(x->vocab_size() == small_tokenizer().vocab_size());
  }
  CHECK(t.to_json() == again.to_json());
}

TEST_CASE("to_parts keeps everything, whatever the tokens are") {
  const auto same = [](const Tokenizer& t) {
    const Tokenizer::Parts parts = t.to_parts();
    const Tokenizer again = Tokenizer::from_parts(parts);
    CHECK(again.to_json() == t.to_json());
    CHECK(again.vocab_size() == t.vocab_size());
    CHECK(again.model_max_length() == t.model_max_length());
    CHECK(again.encode("Hello unwanted running é").ids == t.encode("Hello unwanted running é").ids);
    return parts;
  };
  const Tokenizer small = small_tokenizer();
  CHECK(same(small).tables.at(0).name == "vocabulary");
  CHECK(same(small).tables.at(0).bytes == small_vocab());
  same(small_tokenizer(false));
  same(Tokenizer::from_json(small.to_json(), R"({"pad_token": "[MASK]", "model_max_length": 77})"));

  // Ids that are left out, and tokens with white space, quotes, NUL and line ends.
  std::string json = small.to_json();
  const std::string from = "\"hello\":13";
  json.replace(
      json.find(from), from.size(),
      R"("hello":40,"\n":42,"a\nb":43," ":44,"\r":45,"\"\\":46,"x\u0000y":13,"\u2028":47)");
  const Tokenizer strange = Tokenizer::from_json(json);
  const Tokenizer::Parts parts = same(strange);
  CHECK(strange.token(43) == "a\nb");
  CHECK(parts.settings.find(R"("vocab":{"\n":42,"a\nb":43})") != std::string::npos);
  CHECK(parts.tables.at(0).bytes.ends_with("\n\nhello\n\n\n\n \n\r\n\"\\\n\u2028\n"));

  // A whole tokenizer.json needs no tables.
  CHECK(Tokenizer::from_parts({.settings = json}).to_json() == strange.to_json());
}

TEST_CASE("to_parts keeps real tokenizers") {
  const fs::path folder = SAPWOOD_SOURCE_DIR "/../shared/data/tokenizer";
  std::error_code error;
  int seen = 0;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (!fs::exists(entry.path() / "tokenizer.json")) continue;
    INFO(entry.path());
    const Tokenizer t = Tokenizer::load(entry.path());
    const Tokenizer::Parts parts = t.to_parts();
    CHECK(Tokenizer::from_parts(parts).to_json() == t.to_json());
    ++seen;
  }
  if (seen == 0) WARN("skipped: no tokenizers in " + folder.string());
}

TEST_CASE("parts that were damaged are refused") {
  const Tokenizer::Parts good = small_tokenizer().to_parts();
  const auto error = [&](const std::string& vocabulary) {
    return error_of(
        [&] {
          Tokenizer::from_parts(
              {.settings = good.settings, .tables = {{"vocabulary", vocabulary}}});
        },
        ErrorCode::malformed);
  };
  const std::string& vocabulary = good.tables.at(0).bytes;
  CHECK(mentions(error(""), "empty"));
  CHECK(mentions(error(vocabulary.substr(0, vocabulary.size() - 1)), "cut short"));
  CHECK(mentions(error(vocabulary + "\xff\n"), "not UTF-8 at byte"));
  CHECK(mentions(error(vocabulary + "hello\n"), "occurs twice"));
  CHECK(mentions(error(vocabulary + std::string(2 << 20, '\n') + "x\n"), "left out"));
  for (std::size_t n = 0; n < good.settings.size(); ++n) {
    const Tokenizer::Parts cut{good.settings.substr(0, n), good.tables};
    CHECK(error_of([&] { Tokenizer::from_parts(cut); }, ErrorCode::malformed) != "no error");
  }

  // A table that another version needed.
  Tokenizer::Parts more = good;
  more.tables.push_back({"merges", "a b\n"});
  CHECK(mentions(error_of([&] { Tokenizer::from_parts(more); }, ErrorCode::unsupported),
                 "the table 'merges' of the model WordPiece is not one that this version knows"));
}

}  // namespace sapwood::test
