// Whatever a call to the system answers: the right result, or status 1 and a message that says what failed and why; files
// whole or not at all, an older one as it was, and nothing left beside it.
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <map>

#include "catch.h"
#include "sanitizer.h"
#include "trial.h"

using namespace sapwood::test;
namespace fs = std::filesystem;

namespace {

constexpr const char* kPreloads = "faults, because they are preloaded before it";
const std::string kModel = "distilbert-fff-sentiment";

// A folder with inputs, a converted model, and an empty folder for results.
struct Place {
  Place() {
    std::string lines;
    for (int i = 0; i < 300; ++i) lines += "{\"text\":\"a journey " + std::to_string(i) + "\"}\n";
    folder.write("in.jsonl", lines);
    folder.write("data.tsv", "sentence\tlabel\na journey\t1\nno journey\t0\n");
    fs::create_directories(folder.path("out"));
    fs::create_directories(folder.path("models"));
    REQUIRE(run({"convert", "-q", golden(kModel), "-o", converted}).status == 0);
    fs::copy(golden("st-bert-mean"), folder.path("models/one"), fs::copy_options::recursive);
    fs::create_directories(folder.path("models/two"));  // as models are shipped
    fs::copy(converted, folder.path("models/two/model.safetensors"));
  }

  // Commands that read and write in all the ways that there are.
  std::map<std::string, Command> commands() const {
    const std::string in = folder.path("in.jsonl");
    std::map<std::string, Command> all;
    const auto add = [&](const std::string& name, std::vector<std::string> arguments,
                         const std::string& target) {
      Command& command = all[name];
      command.arguments = std::move(arguments);
      command.env = {{"SAPWOOD_MODELS", folder.path("models")}};
      if (target.empty()) return;
      command.target = folder.path("out/" + target);
      command.arguments.insert(command.arguments.end(), {"-o", command.target});
    };
    add("convert", {"convert", "-q", golden(kModel)}, "m.safetensors");
    add("embed", {"embed", "-q", "-m", converted, "--pooling", "mean", "-i", in}, "vectors.npy");
    add("classify", {"classify", "-q", "-m", golden(kModel), "-i", in}, "labels.csv");
    add("classify to standard output", {"classify", "-q", "-m", converted, "-i", in}, "");
    add("eval", {"eval", "-q", "--task", "classify", "-m", converted, folder.path("data.tsv")},
        "report.json");
    add("a pickle", {"fill-mask", "-q", "-m", golden("bert-mlm-bin"), "a [MASK]"}, "");
    add("shards", {"embed", "-q", "-m", golden("bert-base-sharded"), "a"}, "");
    add("models", {"models"}, "");
    add("sentence-transformers", {"embed", "-q", "-m", folder.path("models/one"), "a"}, "");
    return all;
  }

  TemporaryFolder folder;
  std::string converted = folder.path("converted.safetensors");
};

std::string shown(const Trial& trial) {
  return trial.call + " " + trial.path + " -> " + std::to_string(trial.outcome.status) + "\n" +
         trial.outcome.err;
}

// Whether a message says what failed: the file of the call, the target, or a standard stream.
bool names_the_file(const Trial& trial, const Command& command) {
  const std::string& err = trial.outcome.err;
  for (const std::string& path : {trial.path, command.target}) {
    const std::string name = fs::path(path).filename().string();
    if (!name.empty() && err.find(name) != err.npos) return true;
  }
  return err.find("standard output") != err.npos || err.find("standard input") != err.npos;
}

// One failed call: the right answer, or a message and nothing changed.
void check_failure(const Faults& faults, const Command& command, const Trial& trial, int error) {
  INFO(shown(trial));
  CHECK(trial.left.empty());
  if (trial.outcome.status == 0) {
    CHECK(faults.right(trial));
    return;
  }
  CHECK(trial.outcome.status == 1);
  CHECK(trial.outcome.err.rfind("sapwood: ", 0) == 0);
  CHECK(trial.outcome.err.find(std::strerror(error)) != std::string::npos);
  CHECK(names_the_file(trial, command));
  if (!command.target.empty()) CHECK(trial.target == kOlder);
}

}  // namespace

TEST_CASE("Calls that do a part of their work, or are interrupted, are made again") {
  if (sanitized(kPreloads)) return;
  const Place place;
  for (const auto& [name, command] : place.commands()) {
    Faults faults(command);
    INFO(name << '\n' << faults.good().outcome.err);
    REQUIRE(faults.good().outcome.status == 0);
    for (const std::string way : {"short", "eintr", "eopnotsupp"}) {
      const Trial trial = faults.run(way, -1, Target::older);
      INFO(way << ": " << shown(trial));
      CHECK(faults.right(trial));
      if (way == "short") CHECK_FALSE(trial.call.empty());
    }
  }
}

TEST_CASE("A failed call is a message with its file and its cause, and changes nothing") {
  if (sanitized(kPreloads)) return;
  long runs = 0;
  const Place place;
  const std::vector<std::pair<std::string, int>> ways{
      {"eio", EIO}, {"enospc", ENOSPC}, {"emfile", EMFILE}, {"enomem", ENOMEM}};
  for (const auto& [name, command] : place.commands()) {
    Faults faults(command);
    for (const auto& [way, error] : ways) {
      INFO(name << ", " << way);
      runs += faults.each(way, Target::older, [&, error = error](const Trial& trial) {
        check_failure(faults, command, trial, error);
      });
    }
  }
  std::cout << runs << " runs with a failed call" << std::endl;
  CHECK(runs > 100);
}

TEST_CASE("Ended at any call: the older file or the new one, and nothing beside it") {
  if (sanitized(kPreloads)) return;
  long runs = 0;
  const Place place;
  for (const auto& [name, command] : place.commands()) {
    if (command.target.empty()) continue;
    Faults faults(command);
    for (const auto& [way, signal] : {std::pair{"term", 15}, std::pair{"kill", 9}}) {
      for (const Target before : {Target::absent, Target::older}) {
        const std::string older = before == Target::older ? kOlder : kAbsent;
        runs += faults.each(way, before, [&, signal = signal](const Trial& trial) {
          INFO(name << ' ' << way << ": " << shown(trial));
          CHECK(trial.outcome.status == 128 + signal);
          CHECK((trial.target == older || trial.target == faults.good().target));
          // The new file, whole, between the two calls that put it into the older one's place.
          if (trial.call != "rename") CHECK(trial.left.empty());
        });
      }
    }
  }
  CHECK(runs > 20);
}

TEST_CASE("A model's file that changes between two calls: the right result or a message") {
  if (sanitized(kPreloads)) return;
  long runs = 0;
  const Place place;
  const std::string model = place.folder.path("model");
  for (const std::string file : {"config.json", "tokenizer.json", "model.safetensors"}) {
    Command command;
    command.arguments = {"classify", "-q", "-m", model, "a journey"};
    command.changed = model + "/" + file;
    command.set_up = [&] {
      fs::remove_all(model);
      fs::copy(golden(kModel), model, fs::copy_options::recursive);
    };
    Faults faults(command);
    REQUIRE(faults.good().outcome.status == 0);
    for (const std::string way : {"cut", "removed", "replaced", "fifo"}) {
      runs += faults.each(way, Target::absent, [&](const Trial& trial) {
        INFO(file << ' ' << way << ": " << shown(trial));
        if (trial.outcome.status == 0) {
          CHECK(faults.right(trial));
          return;
        }
        // Weights that are cut while they are mapped: SIGBUS, as with every mapping (SECURITY.md).
        const bool mapped = way == "cut" && file == "model.safetensors";
        if (mapped && trial.outcome.status == 128 + SIGBUS) return;
        CHECK(trial.outcome.status == 1);
        CHECK(trial.outcome.err.rfind("sapwood: ", 0) == 0);
        CHECK(trial.outcome.err.find("unexpected") == std::string::npos);
        CHECK(trial.outcome.err.find(model) != std::string::npos);
      });
    }
  }
  CHECK(runs >= 12);
}
