// What a subword model is given and may answer, with models that the library has not: the seam between
// tokenizer and model.
#include "subword_model.h"

#include "call.h"
#include "catch.h"
#include "post_processor.h"
#include "sapwood/utf8.h"
#include "small_vocab.h"

namespace sapwood::test {
namespace {

// A vocabulary of a letter, an unknown token and the bytes of "é".
Vocabulary bytes_vocabulary() {
  return Vocabulary({{"a", 0}, {"<unk>", 1}, {"<0xC3>", 2}, {"<0xA9>", 3}}, "test");
}

// As models with byte fallback: a character is a token, else its bytes are, else it is unknown and
// shows its own text.
class CharacterModel final : public SubwordModel {
 public:
  CharacterModel() : SubwordModel(bytes_vocabulary(), 1, "") {}

  void tokenize(Word& word) const override {
    const std::string_view bytes = word.utf8();
    for (std::size_t begin = 0; begin < bytes.size();) {
      const std::size_t end = begin + utf8::sequence_length(bytes.substr(begin));
      const std::string_view character = bytes.substr(begin, end - begin);
      if (const int32_t id = vocabulary().find(character); id >= 0) {
        word.push(id, begin, end);
      } else if (character == "é") {
        word.push(2, begin, begin + 1);
        word.push(3, begin + 1, end);
      } else {
        word.push(*unk_id(), begin, end, character);
      }
      begin = end;
    }
  }
};

// As byte-level models: nothing is unknown to it, so that it may answer with nothing at all.
class SilentModel final : public SubwordModel {
 public:
  SilentModel() : SubwordModel(bytes_vocabulary(), std::nullopt, "") {}
  void tokenize(Word&) const override {}
};

Tokens tokens_of(const SubwordModel& model, std::string_view text) {
  Text normalized;
  normalized.assign(text, 10);
  EncodeScratch::Buffers scratch;
  Call call{Allowance(text.size()), scratch};
  Tokens tokens;
  tokens.push(0, {9, 10}, 4);
  Word word(normalized, {0, normalized.size()}, 5, call, tokens);
  CHECK(word.characters() == normalized.size());
  model.tokenize(word);
  return tokens;
}

}  // namespace

TEST_CASE("a model answers with tokens of bytes, and with texts of its own") {
  const Tokens tokens = tokens_of(CharacterModel(), "aé中a");
  CHECK(tokens.ids == std::vector<int32_t>{0, 0, 2, 3, 1, 0});
  CHECK(tokens.spans ==
        std::vector<Span>{{9, 10}, {10, 11}, {11, 12}, {11, 12}, {12, 13}, {13, 14}});
  CHECK(tokens.words == std::vector<int32_t>{4, 5, 5, 5, 5, 5});
  REQUIRE(tokens.texts.size() == 1);
  CHECK(tokens.texts[0].index == 4);
  CHECK(tokens.texts[0].text == "中");
}

TEST_CASE("a model may have no unknown token and answer with nothing") {
  CHECK(tokens_of(SilentModel(), "a").ids == std::vector<int32_t>{0});
  CHECK_FALSE(SilentModel().unk_id());
}

TEST_CASE("a word's tokens are replaced together with their texts") {
  Text text;
  text.assign("ab", 0);
  EncodeScratch::Buffers scratch;
  Call call{Allowance(2), scratch};
  Tokens tokens;
  tokens.push(7, {0, 0}, 0, "before");
  Word word(text, {0, 2}, 1, call, tokens);
  CHECK(word.utf8() == "ab");
  word.push(1, 0, 1, "x");
  word.push(2, 1, 2, "y");
  word.replace(3);
  CHECK(tokens.ids == std::vector<int32_t>{7, 3});
  CHECK(tokens.spans[1] == Span{0, 2});
  REQUIRE(tokens.texts.size() == 1);
  CHECK(tokens.texts[0].text == "before");
}

TEST_CASE("words of every width in UTF-8, each byte with its character") {
  Text text;
  text.assign("xaé中\U0001f600b", 0);
  std::string bytes = "left from before";
  std::vector<uint32_t> char_at{9, 9};
  to_utf8(text, {1, 6}, bytes, char_at);
  CHECK(bytes == "aé中\U0001f600b");
  CHECK(char_at == std::vector<uint32_t>{0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4});
  to_utf8(text, {1, 1}, bytes, char_at);
  CHECK(bytes.empty());
  CHECK(char_at.empty());
}

TEST_CASE("which model: by its type, WordPiece where none is named, else an error that names it") {
  const std::string json = small_tokenizer().to_json();
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string other = json;
    return other.replace(other.find(from), from.size(), to);
  };
  const std::string model = R"("model":{"type":"WordPiece",)";
  CHECK(Tokenizer::from_json(with(model, R"("model":{)")).encode("hello").ids ==
        small_tokenizer().encode("hello").ids);
  CHECK(
      mentions(error_of([&] { Tokenizer::from_json(with(model, R"("model":{"type":"Unigram9",)")); },
                        ErrorCode::unsupported),
               "the model 'Unigram9' is not one that this version knows"));
  CHECK(error_of([&] { Tokenizer::from_json(with(model, R"("model":{"type":7,)")); },
                 ErrorCode::malformed) != "no error");
}

TEST_CASE("which token continues a word: by the model's prefix, else by the space before it") {
  const Tokenizer t = small_tokenizer();
  const int32_t whole = *t.id("hello"), rest = *t.id("##ing");
  CHECK_FALSE(t.continues_word(whole, "hello", " h"));
  CHECK_FALSE(t.continues_word(whole, "HELLO", "xH"));
  CHECK(t.continues_word(rest, "ing", " i"));
  CHECK(t.continues_word(rest, "ing", ""));
  // As many characters as the text, not as many bytes.
  CHECK_FALSE(t.continues_word(*t.id("é"), "e", "xe"));
  CHECK_FALSE(t.continues_word(*t.unk_id(), "x", "yx"));
  CHECK(error_of([&] { t.continues_word(-1, "x", "yx"); }, ErrorCode::invalid_argument) !=
        "no error");

  // Without a prefix, whatever the token is.
  std::string json = t.to_json();
  const std::string prefix = R"("continuing_subword_prefix":"##")";
  json.replace(json.find(prefix), prefix.size(), R"("continuing_subword_prefix":"")");
  const Tokenizer plain = Tokenizer::from_json(json);
  CHECK(plain.continues_word(whole, "hello", "xh"));
  CHECK(plain.continues_word(rest, "ing", "(i"));
  CHECK_FALSE(plain.continues_word(whole, "hello", " h"));
  CHECK_FALSE(plain.continues_word(whole, " hello", "x "));  // tokens that take the space with them
  CHECK_FALSE(plain.continues_word(whole, "hello", ""));     // the first of the text
  CHECK_FALSE(plain.continues_word(*plain.unk_id(), "x", "yx"));
}

}  // namespace sapwood::test
