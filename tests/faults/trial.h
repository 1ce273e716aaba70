// The real program, one of whose calls to the system goes wrong (preloaded.cc).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "process.h"

namespace sapwood::test {

struct Command {
  std::vector<std::string> arguments;
  std::string target;   // the file that it writes; "": standard output alone
  std::string changed;  // the file that ways like "cut" change
  std::map<std::string, std::string> env;
  std::function<void()> set_up;  // before each run
};

struct Trial {
  Outcome outcome;
  std::string call, path;  // that went wrong; "": none did
  std::string target;      // its bytes after the run; kAbsent where there is none
  std::string left;        // a name that the run left beside it
};

inline const std::string kAbsent = "(absent)", kOlder = "an older file";

enum class Target { absent, older };

// Runs a command in ways in which calls go wrong, and holds it to what it has to do then.
class Faults {
 public:
  explicit Faults(Command command);

  // Each call that can go wrong so does in a run of its own: all of them, or spread evenly over them where
  // SAPWOOD_FAULTS=all is not set. `check` looks at a run. How many runs there were.
  long each(const std::string& way, Target before, const std::function<void(const Trial&)>& check);
  // All calls together, or (-1) every second one.
  Trial run(const std::string& way, long at, Target before);

  const Trial& good() const { return good_; }
  bool right(const Trial& trial) const;  // the status, output and file of a run without faults

 private:
  Command command_;
  TemporaryFolder folder_;
  Trial good_;
};

// The names of a folder, sorted.
std::vector<std::string> names_in(const std::string& folder);

}  // namespace sapwood::test
