// What the library notices about a model's files is said once, on standard error, by every command.
#include <filesystem>

#include "answers.h"
#include "catch.h"
#include "process.h"

using namespace sapwood::test;
namespace fs = std::filesystem;

namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
  return found;
}

// A model whose configuration has a key twice.
std::string doubled(const TemporaryFolder& folder, const std::string& name) {
  fs::copy(golden(name), folder.path(name), fs::copy_options::recursive);
  std::string config = read_file(golden(name) + "/config.json");
  config.insert(config.find('{') + 1, "\"vocab_size\": 7,");
  folder.write(name + "/config.json", config);
  return folder.path(name);
}

}  // namespace

TEST_CASE("Every command that loads a model says its notices once, and none with --quiet") {
  const TemporaryFolder folder;
  const std::string sentiment = doubled(folder, "distilbert-sentiment-f16"),
                    ner = doubled(folder, "distilbert-ner-cased"),
                    mlm = doubled(folder, "distilbert-mlm"), qa = doubled(folder, "distilbert-qa"),
                    base = doubled(folder, "distilbert-base");
  const std::string data = folder.write("data.tsv", "sentence\tlabel\na journey\t1\n");
  const std::string target = folder.path("out.safetensors");
  const std::vector<std::vector<std::string>> commands{
      {"classify", "-m", sentiment, "x"},
      {"ner", "-m", ner, "x"},
      {"embed", "-m", base, "x"},
      {"fill-mask", "-m", mlm, "a [MASK]"},
      {"qa", "-m", qa, "--question", "q", "--context", "c"},
      {"rerank", "-m", base, "--query", "q", "x", "y"},
      {"tokenize", "-m", base, "x"},
      {"inspect", base},
      {"convert", base, "-o", target},
      {"eval", "-m", sentiment, "--task", "classify", data},
      {"bench", "-m", base, "--shapes", "1x2", "--seconds", "0.01", "--runs", "1"}};
  for (auto arguments : commands) {
    const Outcome said = run(arguments);
    INFO(arguments[0] << ": " << said.err);
    CHECK(said.status == 0);
    CHECK(count(said.err, "sapwood: note: ") == 1);
    CHECK_THAT(said.err,
               ContainsSubstring("/config.json: vocab_size is given twice; the last one counts\n"));
    arguments.push_back("--quiet");
    const Outcome quiet = run(arguments);
    INFO(quiet.err);
    CHECK(quiet.status == 0);
    CHECK(count(quiet.err, "note: ") == 0);
  }
  // Without a folder of its own, models lists those of the source tree too.
  RunOptions options;
  options.env = {{"SAPWOOD_MODELS", folder.path("")}};
  CHECK(count(run({"models"}, options).err, "sapwood: note: ") == 5);
  CHECK(count(run({"models", "-q"}, options).err, "note: ") == 0);
}

TEST_CASE("Notices of a tokenizer's files") {
  const TemporaryFolder folder;
  // vocab.txt beside a tokenizer.json that has other tokens.
  const std::string both = folder.path("both");
  fs::copy(golden("distilbert-base"), both, fs::copy_options::recursive);
  folder.write("both/vocab.txt", "[PAD]\n[UNK]\nother\n");
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"tokenize", "-m", both, "x"}, {"embed", "-m", both, "x"}}) {
    const Outcome outcome = run(arguments);
    CHECK(outcome.status == 0);
    CHECK(count(outcome.err, "note: ") == 1);
    CHECK_THAT(outcome.err, ContainsSubstring("tokenizer.json counts"));
    CHECK(outcome.out == run({arguments[0], "-m", golden("distilbert-base"), "x"}).out);
  }
  // A token on two lines: the later one has it.
  const std::string twice =
      folder.write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nwater\nwater\n");
  const Outcome lines = run({"tokenize", "-m", twice, "--lowercase", "water"});
  CHECK(lines.status == 0);
  CHECK(Json::parse(lines.out)["ids"] == Json({2, 6, 3}));
  CHECK(count(lines.err, "note: ") == 1);
  CHECK_THAT(lines.err, ContainsSubstring("water"));
  // A tokenizer with more tokens than the embedding has rows.
  const std::string larger = folder.path("larger");
  fs::copy(golden("bert-ner-vocab-cased"), larger, fs::copy_options::recursive);
  folder.write("larger/vocab.txt", read_file(larger + "/vocab.txt") + "onemoretoken\n");
  const Outcome more = run({"ner", "-m", larger, "x"});
  CHECK(more.status == 0);
  CHECK(count(more.err, "note: ") == 1);
  CHECK_THAT(more.err, ContainsSubstring("a text with one of the others is an error"));
  CHECK(run({"ner", "-m", larger, "onemoretoken"}).status == 1);
}
