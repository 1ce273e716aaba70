#include "trial.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace sapwood::test {
namespace {

namespace fs = std::filesystem;

constexpr long kMost = 12;  // runs of a way, unless all are asked for
constexpr unsigned kSeconds = 60;

bool all_calls() {
  const char* const asked = std::getenv("SAPWOOD_FAULTS");
  return asked != nullptr && std::string(asked) == "all";
}

// What a run took is no result of it. Results in other forms than eval's are left as they are.
std::string without_times(const std::string& text) {
  const std::size_t at = text.find("\nseconds ");
  return at == text.npos ? text : text.substr(0, at);
}

std::string folder_of(const std::string& file) { return fs::path(file).parent_path().string(); }

}  // namespace

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Faults::Faults(Command command) : command_(std::move(command)) {
  good_ = run("short", 0, Target::absent);
}

bool Faults::right(const Trial& trial) const {
  return trial.outcome.status == good_.outcome.status && trial.outcome.out == good_.outcome.out &&
         trial.target == good_.target && trial.left.empty();
}

Trial Faults::run(const std::string& way, long at, Target before) {
  const std::string log = folder_.path("log");
  fs::remove(log);
  if (command_.set_up) command_.set_up();
  const bool writes = !command_.target.empty();
  if (writes) {
    fs::remove(command_.target);
    if (before == Target::older) std::ofstream(command_.target) << kOlder;
  }
  const std::vector<std::string> names =
      writes ? names_in(folder_of(command_.target)) : std::vector<std::string>();
  RunOptions options;
  options.env = {{"LD_PRELOAD", SAPWOOD_FAULTS_LIBRARY},
                 {"SAPWOOD_FAULT", way},
                 {"SAPWOOD_FAULT_AT", std::to_string(at)},
                 {"SAPWOOD_FAULT_LOG", log},
                 {"SAPWOOD_FAULT_FILE", command_.changed}};
  options.env.insert(command_.env.begin(), command_.env.end());
  options.prepare = [] { ::alarm(kSeconds); };  // a hang is SIGALRM's status
  Trial trial;
  trial.outcome = sapwood::test::run(command_.arguments, options);
  const std::string logged = read_file(log);
  if (const std::size_t space = logged.find(' '); space != logged.npos) {
    trial.call = logged.substr(0, space);
    trial.path = logged.substr(space + 1);
  } else {
    trial.path = logged;  // the count
  }
  if (writes) {
    trial.target =
        fs::exists(command_.target) ? without_times(read_file(command_.target)) : kAbsent;
    for (const std::string& name : names_in(folder_of(command_.target))) {
      const bool known = std::binary_search(names.begin(), names.end(), name);
      if (!known && fs::path(command_.target).filename() != name) trial.left += name;
    }
  }
  return trial;
}

long Faults::each(const std::string& way, Target before,
                  const std::function<void(const Trial&)>& check) {
  const long count = std::atol(run(way, 0, before).path.c_str());
  const long step = all_calls() ? 1 : (count + kMost - 1) / kMost;
  long runs = 0;
  for (long at = 1; at <= count; at += std::max(step, 1L)) {
    const Trial trial = run(way, at, before);
    if (trial.call.empty()) break;  // this run had fewer calls
    ++runs;
    check(trial);
    if (!trial.left.empty()) fs::remove(folder_of(command_.target) + "/" + trial.left);
  }
  return runs;
}

}  // namespace sapwood::test
