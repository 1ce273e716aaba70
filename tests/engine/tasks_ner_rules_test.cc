// From label scores to entities: the cases that TokenClassificationPipeline's documentation and
// source describe.
#include <deque>
#include <limits>
#include <string>
#include <vector>

#include "catch.h"
#include "sapwood/tokenizer/word_piece_decoder.h"
#include "tasks/ner_aggregate.h"

using namespace sapwood;
using namespace sapwood::tasks;

namespace {

const std::vector<std::string> kLabels = {"O", "B-ENT", "I-ENT", "B-NAME", "I-NAME"};

// Tokens of a text, each with one score a label.
class Tokens {
 public:
  Tokens& add(std::string word, int start, int end, bool subword, std::vector<float> scores) {
    scores_.push_back(std::move(scores));
    const int index = static_cast<int>(tokens.size()) + 1;
    tokens.push_back({std::move(word), scores_.back(), index, start, end, subword});
    return *this;
  }
  std::vector<NerToken> tokens;

 private:
  std::deque<std::vector<float>> scores_;
};

// "Microsoft company" as micro|##soft com|##pany, labelled B-ENT I-NAME I-ENT I-ENT.
Tokens microsoft() {
  Tokens result;
  result.add("micro", 0, 5, false, {0.1f, 0.5f, 0.2f, 0.1f, 0.1f})
      .add("##soft", 5, 9, true, {0.1f, 0.1f, 0.1f, 0.0f, 0.7f})
      .add("com", 10, 13, false, {0.0f, 0.2f, 0.6f, 0.0f, 0.2f})
      .add("##pany", 13, 17, true, {0.2f, 0.0f, 0.8f, 0.0f, 0.0f});
  return result;
}

// As the tokenizers of BERT models join.
const JoinWords kJoin = [](std::span<const std::string> words) {
  return WordPieceDecoder{}.join(words);
};

std::vector<Entity> run(const Tokens& tokens, Aggregation aggregation) {
  return aggregate(tokens.tokens, kLabels, aggregation, kJoin);
}

void check(const Entity& entity, const std::string& label, double score, const std::string& word,
           int start, int end) {
  CHECK(entity.entity == label);
  CHECK(entity.score == Approx(score).epsilon(1e-6));
  CHECK(entity.word == word);
  CHECK(entity.start == start);
  CHECK(entity.end == end);
}

}  // namespace

TEST_CASE("without aggregation each token has its label and index") {
  const auto entities = run(microsoft(), Aggregation::none);
  REQUIRE(entities.size() == 4);
  check(entities[0], "B-ENT", 0.5, "micro", 0, 5);
  check(entities[1], "I-NAME", 0.7, "##soft", 5, 9);
  CHECK(entities[1].index == 2);
}

TEST_CASE("simple aggregation splits a word whose pieces disagree") {
  const auto entities = run(microsoft(), Aggregation::simple);
  REQUIRE(entities.size() == 3);
  check(entities[0], "ENT", 0.5, "micro", 0, 5);
  check(entities[1], "NAME", 0.7, "##soft", 5, 9);  // a first token keeps its ##
  check(entities[2], "ENT", 0.7, "company", 10, 17);
  CHECK(entities[0].index == -1);
}

TEST_CASE("first, max and average give a word one label") {
  const auto first = run(microsoft(), Aggregation::first);
  REQUIRE(first.size() == 1);
  check(first[0], "ENT", (0.5 + 0.6) / 2, "microsoft company", 0, 17);

  const auto max = run(microsoft(), Aggregation::max);
  REQUIRE(max.size() == 2);
  check(max[0], "NAME", 0.7, "microsoft", 0, 9);
  check(max[1], "ENT", 0.8, "company", 10, 17);

  const auto average = run(microsoft(), Aggregation::average);
  REQUIRE(average.size() == 2);
  check(average[0], "NAME", 0.4, "microsoft", 0, 9);
  check(average[1], "ENT", 0.7, "company", 10, 17);
}

TEST_CASE("a B- label starts a new group, O groups like any other label") {
  Tokens tokens;
  tokens.add("Anna", 0, 4, false, {0, 0, 0, 1, 0})
      .add("Lee", 5, 8, false, {0, 0, 0, 0, 0.5f})
      .add("Kim", 9, 12, false, {0, 0, 0, 0.75f, 0})
      .add("went", 13, 17, false, {1, 0, 0, 0, 0})
      .add("home", 18, 22, false, {1, 0, 0, 0, 0});
  auto entities = run(tokens, Aggregation::simple);
  REQUIRE(entities.size() == 3);
  check(entities[0], "NAME", 0.75, "Anna Lee", 0, 8);
  check(entities[1], "NAME", 0.75, "Kim", 9, 12);
  check(entities[2], "O", 1, "went home", 13, 22);
  remove_labels(entities, std::vector<std::string>{"O"});
  CHECK(entities.size() == 2);
  // The plain label of a group is its tag: a label with B- names no group.
  remove_labels(entities, std::vector<std::string>{"B-NAME"});
  CHECK(entities.size() == 2);
  remove_labels(entities, std::vector<std::string>{"NAME"});
  CHECK(entities.empty());
}

TEST_CASE("labels with hyphens of their own are named by what follows the first one") {
  const std::vector<std::string> labels = {"geo-loc", "B-work-of-art"};
  Tokens tokens;
  tokens.add("a", 0, 1, false, {1, 0}).add("b", 2, 3, false, {0, 1}).add("c", 4, 5, false, {1, 0});
  const auto entities = aggregate(tokens.tokens, labels, Aggregation::simple, kJoin);
  REQUIRE(entities.size() == 3);
  CHECK(entities[0].entity == "loc");
  CHECK(entities[1].entity == "work-of-art");
  CHECK(entities[2].entity == "loc");
}

TEST_CASE("no tokens, NaN scores and a leading subword are answered") {
  CHECK(run(Tokens(), Aggregation::none).empty());
  CHECK(run(Tokens(), Aggregation::first).empty());
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Tokens tokens;
  tokens.add("##x", 0, 1, true, {nan, nan, nan, nan, nan})
      .add("##y", 1, 2, true, {0, 0.5f, 0, 0, 0});
  for (const Aggregation aggregation : {Aggregation::none, Aggregation::simple, Aggregation::first,
                                        Aggregation::average, Aggregation::max}) {
    CHECK_FALSE(run(tokens, aggregation).empty());
  }
  CHECK(run(tokens, Aggregation::max)[0].word == "##xy");
}
