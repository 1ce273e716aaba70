// capacity: what it says of each model and length, and that its numbers fit each other. How large they are is the machine's.
#include "answers.h"
#include "catch.h"
#include "process.h"

using namespace sapwood::test;

namespace {

std::vector<Json> measure(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "capacity");
  arguments.insert(arguments.end(), {"--seconds", "0.02", "--threads", "2", "--json"});
  const Outcome outcome = run(arguments);
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  std::vector<Json> found;
  for (const std::string& line : lines_of(outcome.out)) found.push_back(Json::parse(line));
  return found;
}

}  // namespace

TEST_CASE("capacity says for each model and length what a core answers, in numbers that fit") {
  const std::string sentiment = golden("distilbert-fff-base"), qa = golden("bert-qa");
  const auto found =
      measure({"-m", sentiment, "-m", qa, "--lengths", "16,8", "--utilization", "0.5"});
  REQUIRE(found.size() == 4);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const Json& row = found[i];
    CHECK(keys(row) == std::vector<std::string>{"cores_for_1000_per_s", "dtype", "isa", "model",
                                                "peak_bytes", "processor_s_per_1000_texts", "texts",
                                                "texts_per_s_core", "threads", "tokens",
                                                "utilization"});
    CHECK(row["model"] == (i < 2 ? sentiment : qa));
    CHECK(row["tokens"] == (i % 2 == 0 ? 8 : 16));  // the shortest first
    CHECK(row["threads"] == 2);
    CHECK(row["utilization"] == 0.5);
    CHECK(row["texts"].get<int>() >= 32);
    const double rate = row["texts_per_s_core"], seconds = row["processor_s_per_1000_texts"];
    CHECK(rate > 0);
    CHECK(seconds * rate == Approx(1000));
    CHECK(row["cores_for_1000_per_s"].get<double>() == Approx(1000 / (rate * 0.5)));
    CHECK(row["peak_bytes"].get<std::int64_t>() > 1'000'000);
    // The peak is the model's since its load began.
    if (i % 2 == 1) CHECK(row["peak_bytes"] >= found[i - 1]["peak_bytes"]);
  }
}

TEST_CASE("capacity runs the task of every kind of model") {
  for (const char* model :
       {"minilm-fff-embed", "minilm-fff-sst2", "minilm-fff-ner", "minilm-fff-mlm"}) {
    CHECK(measure({"-m", model, "--lengths", "8"}).size() == 1);
  }
  for (const char* model : {"bert-cross-encoder", "st-bert-mean"}) {
    CHECK(measure({"-m", golden(model), "--lengths", "8"}).size() == 1);
  }
  CHECK(measure({"--lengths", "4"})[0]["model"] == "minilm-fff-embed");
}

TEST_CASE("capacity leaves out lengths that a model does not take, and says so") {
  const Outcome some =
      run({"capacity", "-m", golden("bert-qa"), "--lengths", "8,8,9000", "--seconds", "0.01"});
  CHECK(some.status == 0);
  CHECK_THAT(some.err, ContainsSubstring("at most 64 tokens"));
  CHECK(lines_of(some.out).size() == 3);  // the model, the columns, one length
  CHECK_THAT(some.out, ContainsSubstring("65 % utilization"));
  for (const char* lengths : {"9000", "2"}) {
    const Outcome none =
        run({"capacity", "-m", golden("bert-qa"), "--lengths", lengths, "--seconds", "0.01"});
    CHECK(none.status == 1);
    CHECK_THAT(none.err, ContainsSubstring("5 to 64 tokens, not " + std::string(lengths)));
    CHECK(none.out.empty());
  }
}

TEST_CASE("capacity refuses what it cannot measure") {
  for (const char* lengths : {"0", "-8", "8,many", "99999999999"}) {
    CHECK(run({"capacity", "--lengths", lengths}).status == 2);
  }
  CHECK(run({"capacity", "--utilization", "0"}).status == 2);
  CHECK(run({"capacity", "--utilization", "1.5"}).status == 2);
  CHECK(run({"capacity", "--seconds", "0"}).status == 2);
  CHECK(run({"capacity", "-m", ""}).status == 2);
  CHECK(run({"capacity", "-m", "no-such-model"}).status == 1);
  // The second is looked for before the first is measured.
  const Outcome second = run({"capacity", "-m", golden("bert-qa"), "-m", "no-such-model"});
  CHECK(second.status == 1);
  CHECK(second.out.empty());
}
