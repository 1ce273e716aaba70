// Exit statuses and messages: 2 for what cannot be meant, 1 for what failed, 0 else.
#include <filesystem>

#include "catch.h"
#include "process.h"

using namespace sapwood::test;
namespace fs = std::filesystem;

namespace {

void check_usage(const std::vector<std::string>& arguments, const std::string& says,
                 const RunOptions& options = {}) {
  const Outcome outcome = run(arguments, options);
  INFO(outcome.err);
  CHECK(outcome.status == 2);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, ContainsSubstring(says));
  CHECK(outcome.err.rfind("sapwood: ", 0) == 0);
}

void check_failure(const std::vector<std::string>& arguments, const std::string& says,
                   const RunOptions& options = {}) {
  const Outcome outcome = run(arguments, options);
  INFO(outcome.err);
  CHECK(outcome.status == 1);
  CHECK_THAT(outcome.err, ContainsSubstring(says));
  CHECK(outcome.err.rfind("sapwood: ", 0) == 0);
}

}  // namespace

TEST_CASE("Help and version are answers") {
  CHECK(run({"--version"}).status == 0);
  CHECK_THAT(run({"--version"}).out, ContainsSubstring("sapwood "));
  const Outcome help = run({"--help"});
  CHECK(help.status == 0);
  for (const char* command : {"classify", "ner", "embed", "fill-mask", "qa", "rerank", "tokenize",
                              "convert", "inspect", "eval", "bench", "capacity"}) {
    CHECK_THAT(help.out, ContainsSubstring(command));
    const Outcome own = run({command, "--help"});
    CHECK(own.status == 0);
    CHECK(own.out.size() > 100);
    CHECK(own.err.empty());
  }
  CHECK_THAT(run({"eval", "--help"}).out, ContainsSubstring("15%"));
  CHECK_THAT(run({"classify", "--help"}).out,
             ContainsSubstring("[longest_first], with --labels [only_first]"));
}

TEST_CASE("Wrong usage is status 2 and says what to do") {
  check_usage({}, "no command");
  check_usage({"frobnicate"}, "there is no command \"frobnicate\"");
  check_usage({"classify", "--no-such-flag", "x"}, "--no-such-flag");
  check_usage({"classify", "-m"}, "--model");
  check_usage({"classify", "--top-k", "many", "x"}, "--top-k");
  check_usage({"classify", "--top-k", "-1", "x"}, "--top-k");
  check_usage({"classify", "--threads", "-2", "x"}, "--threads");
  check_usage({"classify", "--isa", "sse9", "x"}, "--isa");
  check_usage({"classify", "--truncate", "some", "x"}, "--truncate");
  check_usage({"classify", "--format", "npy", "x"}, "--format");
  check_usage({"classify", "--max-length", "0", "x"}, "--max-length");
  check_usage({"classify", "-dash", "x"}, "--");
  check_usage({"convert", "somewhere"}, "--output");
  check_usage({"eval", "file"}, "--task");
  check_usage({"inspect"}, "no model given");
  check_usage({"bench", "-m", golden("distilbert-base"), "--shapes", "8"}, "--shapes");
  check_usage({"bench", "-m", golden("distilbert-base"), "--shapes", "0x8"}, "--shapes");
}

TEST_CASE("An empty value is wrong usage, not a value left out") {
  const std::string model = golden("distilbert-sentiment-f16");
  for (const char* option : {"-m", "--model", "-i", "--input", "-o", "--output", "--threads",
                             "--dtype", "--max-length", "--format", "--input-format", "--top-k"}) {
    check_usage({"classify", option, "", "x"}, "empty");
  }
  check_usage({"classify", "--model=", "x"}, "--model= gives no value");
  check_usage({"classify", "--top-k=", "3"}, "--top-k= gives no value");
  check_usage({"inspect", ""}, "empty");
  check_usage({"inspect", "--", ""}, "empty");
  check_usage({"inspect", "-m", ""}, "empty");
  check_usage({"inspect", model, "-o", ""}, "empty");
  check_usage({"convert", "", "-o", "x"}, "empty");
  check_usage({"convert", model, "-o", ""}, "empty");
  check_usage({"convert", model, "-o", "x", "--decisions", ""}, "empty");
  check_usage({"eval", "--task", "mlm", ""}, "empty");
  for (const char* option : {"--shapes", "--lengths", "--layer"}) {
    check_usage({"bench", "-m", model, option, ""}, "empty");
  }
  // A text may be empty, and so may the list of labels left out.
  CHECK(run({"classify", "-m", model, ""}).status == 0);
  CHECK(run({"classify", "-m", golden("bert-cross-encoder"), "--text-pair", "", "x"}).status == 0);
  CHECK(run({"ner", "-m", golden("bert-ner-vocab-cased"), "--ignore-labels", "", "x"}).status == 0);
  // An environment variable that is empty counts as not set.
  RunOptions options;
  options.env = {{"SAPWOOD_THREADS", ""}, {"SAPWOOD_MODEL", ""}, {"SAPWOOD_ISA", ""}};
  CHECK(run({"classify", "-m", model, "x"}, options).status == 0);
}

TEST_CASE("Messages name what was expected in numbers that can be read") {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"fill-mask", "--top-k", "0", "x"},
        {"qa", "--top-k", "0"},
        {"qa", "--max-answer-length", "0"},
        {"qa", "--max-length", "-3"},
        {"classify", "--max-length", "0", "x"},
        {"classify", "--batch-tokens", "0", "x"}}) {
    check_usage(arguments, "expected a whole number of at least 1, found '");
  }
  check_usage({"classify", "--top-k", "-1", "x"},
              "expected a whole number of at least 0, found '-1'");
  check_usage({"ner", "--stride", "x", "x"}, "expected a whole number of at least 0, found 'x'");
  check_usage({"classify", "--threads", "99999999999", "x"}, "at most 2147483647");
}

TEST_CASE("One file of a model in place of its directory is told apart") {
  const TemporaryFolder folder;
  const std::string pickle = golden("bert-mlm-bin");
  for (const std::string name : {"pytorch_model.bin", "config.json", "tokenizer.json"}) {
    check_failure({"fill-mask", "-m", pickle + "/" + name, "x"}, "give its directory: " + pickle);
  }
  check_failure({"inspect", pickle + "/pytorch_model.bin"}, "give its directory");
  check_failure({"tokenize", "-m", pickle + "/pytorch_model.bin", "x"}, "give its directory");
  CHECK(run({"tokenize", "-m", pickle + "/tokenizer.json", "x"}).status == 0);
  // What a converted file is called is free.
  const std::string file = folder.path("mine.bin");
  REQUIRE(run({"convert", "-q", golden("distilbert-fff-sentiment"), "-o", file}).status == 0);
  CHECK(run({"classify", "-m", file, "x"}).status == 0);
}

TEST_CASE("No foreign text controls the terminal, and none is endless") {
  const std::string evil =
      "\x1b[31m\x07\r\xc2\x9b\xe2\x80\xae"
      "evil\nsapwood: forged\xff";
  const std::string lengthy(100'000, 'a');
  const std::string model = golden("distilbert-sentiment-f16");
  const TemporaryFolder folder;
  fs::create_directories(folder.path("evil\x1b[31m\nname"));
  std::vector<std::vector<std::string>> commands;
  for (const std::string& text : {evil, lengthy}) {
    commands.insert(commands.end(),
                    {{text},
                     {"classify", "-m", text, "x"},
                     {"classify", "-i", text},
                     {"classify", "-m", model, "-o", "/no/such/" + text, "x"},
                     {"classify", "--threads", text, "x"},
                     {"classify", "--isa", text, "x"},
                     {"classify", "--" + text, "x"},
                     {"inspect", text},
                     {"convert", text, "-o", "x"},
                     {"convert", model, "-o", "/no/such/" + text},
                     {"eval", "--task", "mlm", "-m", golden("distilbert-mlm"), text},
                     {"bench", "-m", model, "--shapes", text},
                     {"bench", "-m", model, "--lengths", text}});
  }
  commands.push_back({"classify", "-m", folder.path("evil\x1b[31m\nname"), "x"});
  RunOptions environment;
  for (const auto& arguments : commands) {
    const Outcome outcome = run(arguments);
    INFO(arguments[0] << ' ' << outcome.err.substr(0, 1000));
    CHECK(outcome.status != 0);
    CHECK(outcome.err.rfind("sapwood: ", 0) == 0);
    CHECK(outcome.err.size() < 20'000);
    for (const char* control : {"\x1b", "\x07", "\r", "\xc2\x9b", "\xe2\x80\xae", "\xff"}) {
      CHECK(outcome.err.find(control) == std::string::npos);
    }
    CHECK(outcome.err.find("\nsapwood: forged") == std::string::npos);
  }
  environment.env = {{"SAPWOOD_THREADS", evil}};
  CHECK(run({"classify", "x"}, environment).err.find('\x1b') == std::string::npos);
}

TEST_CASE("A task without a default model says which kind to give") {
  check_usage({"qa", "--question", "q", "--context", "c"}, "question answering");
  check_usage({"eval", "--task", "qa", "file"}, "question answering");
}

TEST_CASE("Contradicting inputs are refused") {
  const TemporaryFolder folder;
  const std::string file = folder.write("in.txt", "a\n");
  const std::string model = golden("distilbert-sentiment-f16");
  check_usage({"classify", "-m", model, "-i", file, "x"}, "-i");
  check_usage({"classify", "-m", model, "-i", file, "-o", file}, "same file");
  CHECK(read_file(file) == "a\n");
  check_usage({"qa", "-m", golden("bert-qa"), "--input-format", "text"}, "--question");
  check_usage({"rerank", "-m", golden("bert-cross-encoder"), "x"}, "--query");
  check_usage(
      {"embed", "-m", golden("distilbert-base"), "--pooling", "none", "--format", "npy", "x"},
      "npy");
}

TEST_CASE("What is missing or wrong is a failure that names it") {
  check_failure({"classify", "-m", "/no/such/model", "x"}, "/no/such/model");
  check_failure({"classify", "-m", "no-such-name", "x"}, "no-such-name");
  check_failure({"classify", "-m", golden("distilbert-sentiment-f16"), "-i", "/no/such/input"},
                "/no/such/input");
  check_failure(
      {"classify", "-m", golden("distilbert-sentiment-f16"), "-o", "/no/such/folder/out", "x"},
      "/no/such/folder/out");
  check_failure({"classify", "-m", golden("bert-qa"), "x"}, "");
  check_failure({"inspect", golden("distilbert-base"), "--verify"}, "");
  RunOptions isa;
  isa.env = {{"SAPWOOD_ISA", "no-such-isa"}};
  check_failure({"classify", "-m", golden("distilbert-sentiment-f16"), "x"},
                "'no-such-isa' (SAPWOOD_ISA)", isa);
  RunOptions stdin_closed;
  stdin_closed.close_stdin = true;
  check_failure({"classify", "-m", golden("distilbert-sentiment-f16")}, "standard input",
                stdin_closed);
}

TEST_CASE("The environment stands in for options") {
  RunOptions options;
  options.env = {{"SAPWOOD_MODEL", golden("distilbert-sentiment-f16")},
                 {"SAPWOOD_THREADS", "1"},
                 {"SAPWOOD_BATCH_TOKENS", "64"}};
  CHECK(run({"classify", "x"}, options).status == 0);
  options.env.at("SAPWOOD_THREADS") = "lots";
  check_usage({"classify", "x"}, "--threads", options);
  RunOptions folders;
  folders.env = {{"SAPWOOD_MODELS", golden("")}};
  CHECK(run({"classify", "-m", "distilbert-sentiment-f16", "x"}, folders).status == 0);
}

TEST_CASE("Results that cannot be written are a failure, not a crash") {
  const std::string model = golden("distilbert-sentiment-f16");
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"classify", "-m", model, "x"},
        {"--help"},
        {"classify", "--help"},
        {"inspect", model},
        {"classify", "-m", model, "--format", "csv", "x"},
        {"embed", "-m", golden("distilbert-base"), "--format", "npy", "x"}}) {
    RunOptions options;
    options.out = Stdout::full;
    const Outcome full = run(arguments, options);
    INFO(arguments[0] << ' ' << full.err);
    CHECK(full.status == 1);
    CHECK_THAT(full.err, ContainsSubstring("No space left on device"));
    options.out = Stdout::gone;
    const Outcome gone = run(arguments, options);
    CHECK(gone.status == 1);
    CHECK_THAT(gone.err, ContainsSubstring("closed by its reader"));
    options.out = Stdout::closed;
    CHECK(run(arguments, options).status == 1);
  }
}
