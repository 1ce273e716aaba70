// bench: what it times and how it says so.
#include <algorithm>

#include "answers.h"
#include "catch.h"
#include "process.h"

using namespace sapwood::test;

TEST_CASE("bench prints a median for each shape") {
  const Json json = Json::parse(run({"bench", "-m", golden("distilbert-fff-base"), "--shapes",
                                     "1x8,2x16", "--seconds", "0.05", "--json"})
                                    .out);
  CHECK(keys(json) ==
        std::vector<std::string>{"dtype", "isa", "median_ms", "processor_ms", "threads"});
  CHECK(json.at("processor_ms")["1x8"].get<double>() > 0);
  CHECK(json.at("threads") == 1);
  CHECK(json.at("dtype") == "f32");
  CHECK(json.at("median_ms")["1x8"].get<double>() > 0);
  CHECK(json.at("median_ms")["2x16"].get<double>() > 0);
}

TEST_CASE("bench times the first feedforward layer alone") {
  for (const char* model : {"distilbert-fff-base", "distilbert-fff-dense-base", "bert-fff-mlm"}) {
    const Json json = Json::parse(run({"bench", "-m", golden(model), "--layer", "ffn", "--shapes",
                                       "1x4,300x16", "--seconds", "0.01", "--runs", "2", "--json"})
                                      .out);
    CHECK(json["layer"] == "ffn");
    CHECK(json["median_ms"]["1x4"].get<double>() > 0);
    CHECK(json["median_ms"]["300x16"].get<double>() > 0);  // more rows than --batch-tokens
  }
}

TEST_CASE("bench times a shape once that is named twice") {
  const std::string out = run({"bench", "-m", golden("distilbert-fff-base"), "--shapes",
                               "1x8,2x4,1x8", "--seconds", "0.01", "--runs", "1", "--json"})
                              .out;
  // Once in median_ms and once in processor_ms.
  const std::size_t first = out.find("\"1x8\""), last = out.rfind("\"1x8\"");
  CHECK(out.find("\"1x8\"", first + 1) == last);
  CHECK(keys(Json::parse(out).at("median_ms")) == std::vector<std::string>{"1x8", "2x4"});
}

TEST_CASE("bench answers shapes from standard input line by line") {
  RunOptions options;
  options.input = "1x8\n2x4,1x16\n";
  const auto lines = lines_of(run({"bench", "-m", golden("distilbert-fff-base"), "--shapes", "-",
                                   "--seconds", "0.01", "--runs", "1", "--json"},
                                  options)
                                  .out);
  REQUIRE(lines.size() == 2);
  CHECK(keys(Json::parse(lines[0]).at("median_ms")) == std::vector<std::string>{"1x8"});
  CHECK(keys(Json::parse(lines[1]).at("median_ms")) == std::vector<std::string>{"1x16", "2x4"});
}

TEST_CASE("bench times real lengths in batches") {
  const TemporaryFolder folder;
  const std::string model = golden("distilbert-fff-base");
  const std::string lengths = folder.write("lengths.txt", "3\n12\n7\n5\n30\n");
  const Json json = Json::parse(run({"bench", "-m", model, "--lengths", lengths, "--batch", "2",
                                     "--seconds", "0.01", "--runs", "2", "--json"})
                                    .out);
  CHECK(json.at("texts") == 5);
  CHECK(json.at("tokens") == 57);
  CHECK(json.at("texts_per_s").get<double>() ==
        Approx(5000.0 / json.at("median_ms").at("lengths").get<double>()));

  const Outcome word =
      run({"bench", "-m", model, "--lengths", folder.write("word.txt", "3\nmany\n")});
  CHECK(word.status == 1);
  CHECK(word.err.find("line 2") != std::string::npos);
  CHECK(run({"bench", "-m", model, "--lengths", folder.write("none.txt", "")}).status == 1);
  CHECK(run({"bench", "-m", model, "--lengths", folder.path("missing")}).status == 1);
  CHECK(run({"bench", "-m", model, "--lengths", lengths, "--shapes", "1x8"}).status == 2);
  CHECK(run({"bench", "-m", model, "--lengths", folder.write("long.txt", "9999\n")}).status == 1);
}

TEST_CASE("bench --calibrate times every kernel of each operation, and names lines") {
  const Json json = Json::parse(run({"bench", "--calibrate", "--runs", "1", "--json"}).out);
  CHECK(keys(json) == std::vector<std::string>{"family", "isa", "lines_that_fit", "model",
                                               "operations", "processor_line", "vendor"});
  CHECK(json.at("operations").size() == 8);
  for (const Json& operation : json.at("operations")) {
    INFO(operation.dump());
    const Json& candidates = operation.at("candidates");
    CHECK(candidates.contains(operation.at("chosen").get<std::string>()));
    CHECK(candidates.contains(operation.at("wanted").get<std::string>()));
    for (const char* size : {"8", "32", "128"}) {
      double least = 2;
      for (const Json& ratios : candidates) least = std::min(least, ratios.at(size).get<double>());
      CHECK(least == 1);
    }
  }
}
