// An allocation that fails, wherever it is, ends the program with a message and status 1.
#include <sys/resource.h>

#include <algorithm>

#include "catch.h"
#include "process.h"
#include "sanitizer.h"

using namespace sapwood::test;

namespace {

constexpr const char* kAllocator = "failing allocations, because it replaces the allocator";

// Every one of the first allocations, then fewer and fewer, up to more than there are.
std::vector<long> samples() {
  std::vector<long> numbers;
  for (long n = 1; n < 40'000; n = std::max(n + 1, n * 107 / 100)) numbers.push_back(n);
  return numbers;
}

}  // namespace

TEST_CASE("Every failed allocation is told, with status 1") {
  if (sanitized(kAllocator)) return;
  const TemporaryFolder folder;
  const std::string lines =
      folder.write("in.jsonl", "{\"text\": \"a\", \"more\": [1, {\"b\": 2}]}\n{\"text\": 1}\n");
  const std::vector<std::vector<std::string>> commands{
      {"classify", "--no-such-flag"},
      {"--help"},
      {"classify", "-m", "/no/such/model", "x"},
      {"classify", "-m", golden("distilbert-sentiment-f16"), "x"},
      {"ner", "-m", golden("distilbert-ner-cased"), "x"},
      {"tokenize", "-m", golden("distilbert-base"), "-i", lines}};
  for (const auto& arguments : commands) {
    const int usual = run(arguments).status;
    for (const bool all : {false, true}) {
      int failures = 0;
      for (const long number : samples()) {
        RunOptions options;
        options.env = {{"LD_PRELOAD", SAPWOOD_FAIL_ALLOCATION},
                       {"SAPWOOD_TEST_FAIL", std::to_string(number)}};
        if (all) options.env["SAPWOOD_TEST_FAIL_ALL"] = "1";
        const Outcome outcome = run(arguments, options);
        INFO(arguments.back() << ", allocation " << number << ": " << outcome.err);
        REQUIRE((outcome.status == 1 || outcome.status == usual));
        if (outcome.status != 0) REQUIRE(outcome.err.rfind("sapwood: ", 0) == 0);
        failures += outcome.err.find("out of memory") != std::string::npos;
      }
      CHECK(failures > 20);  // the allocator was replaced
    }
  }
}

TEST_CASE("A limit on memory is told, with status 1") {
  if (sanitized(kAllocator)) return;
  int failures = 0;
  for (std::size_t mebibytes = 10; mebibytes < 64; mebibytes += 4) {
    RunOptions options;
    options.prepare = [&] { limit(RLIMIT_DATA, mebibytes << 20); };
    const Outcome outcome = run(
        {"classify", "-m", golden("distilbert-sentiment-f16"), "--batch-tokens", "1000000", "x"},
        options);
    INFO(mebibytes << " MiB: " << outcome.err);
    CHECK((outcome.status == 0 || outcome.status == 1));
    if (outcome.status == 1) CHECK(outcome.err.rfind("sapwood: ", 0) == 0);
    failures += outcome.status == 1;
  }
  CHECK(failures > 10);
}
