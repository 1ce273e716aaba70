// From tokens back to text: the rules, without a tokenizer.
#include <string>
#include <vector>

#include "catch.h"
#include "sapwood/tokenizer/word_piece_decoder.h"

namespace sapwood {
namespace {

TEST_CASE("the WordPiece decoder joins tokens to words, and cleans up word by word") {
  const WordPieceDecoder decoder;
  const auto join = [&](std::vector<std::string> words) { return decoder.join(words); };
  CHECK(join({"##uelo", "Ara", "##új", "##o", "No", "##guera"}) == "##uelo Araújo Noguera");
  CHECK(join({"Paris", ",", "Rome", ".", "is", "n't", "it", "?"}) == "Paris, Rome. isn't it?");
  CHECK(join({"the", "dog", "'s", "we", "'ve", "I", "'m"}) == "the dog's we've I'm");
  CHECK(join({"the", "dog", "'", "s"}) == "the dog ' s");  // word by word, " ' " is never seen
  CHECK(join({}).empty());
  CHECK(WordPieceDecoder{"##", false}.join(std::vector<std::string>{"a", ".", "##b"}) == "a .b");
}

TEST_CASE("clean-up follows the references' lists") {
  std::string text = "it ' s , do not . ? ! n't 'm 's 've 're";
  clean_up_text(text);
  CHECK(text == "it's, do not.?!n't'm's've're");
  std::string word = "we do not . .";
  clean_up_word(word);
  CHECK(word == "we don't..");
}

TEST_CASE("a decoder without a prefix puts no spaces") {
  CHECK(WordPieceDecoder{"", true}.join(std::vector<std::string>{"a", "b", "."}) == "ab.");
}

}  // namespace
}  // namespace sapwood
