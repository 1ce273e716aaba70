#include "trial.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <new>
#include <string_view>
#include <vector>

#include "catch.h"
#include "failing.h"
#include "sapwood/error.h"
#include "symbols.h"

namespace sapwood::test {
namespace {

constexpr unsigned kSecondsWithoutProgress = 60;

// What a child tells its parent while it runs, in memory that both see.
struct Finding {
  long n = 0;
  char what[400] = {};
  Stack failed{}, crashed{};
};
struct Shared {
  static constexpr int kMost = 2000;
  long n = 0;        // the allocation that fails now
  bool end = false;  // the operation has fewer allocations than n
  long count = 0;    // allocations of a run
  long live = 0;     // after the runs of a fresh process
  std::size_t hash = 0;
  Stack failed{}, crashed{};  // of a child that is about to die
  int findings = 0;
  Finding finding[kMost];
};
Shared* shared = nullptr;

void find(std::string_view what) {
  shared->findings = std::min(shared->findings + 1, Shared::kMost);  // the last one gives way
  Finding& finding = shared->finding[shared->findings - 1];
  finding = Finding();
  finding.n = shared->n;
  std::memcpy(finding.what, what.data(), std::min(what.size(), sizeof(finding.what) - 1));
  finding.failed = failed_at();
}

void on_crash(int signal) {
  disarm();
  shared->failed = failed_at();
  capture(shared->crashed);
  ::_exit(128 + signal);
}

int open_descriptors() {
  int count = 0;
  for (int fd = 0; fd < 64; ++fd) count += ::fcntl(fd, F_GETFD) >= 0;
  return count;
}

// Whether the library asked for the memory, and not the test's own code: that of the operation, or
// what the library called.
bool in_library(const Stack& stack) {
  for (const std::string& name : names_of(stack)) {
    if (name.find("sapwood::test::") != std::string::npos) return false;
    if (name.starts_with("sapwood::")) return true;
  }
  return false;
}

// One run with the n-th allocation failing. `hash` is the right answer's. The allocations counted.
long try_once(const Operation& operation, long n, Failing failing, std::size_t hash) {
  shared->n = n;
  ::alarm(kSecondsWithoutProgress);
  char problem[400] = {};
  const auto note = [&problem](const char* kind, const char* what) {
    std::snprintf(problem, sizeof(problem), "%s%s", kind, what);
  };
  arm(n, failing);
  try {
    const std::string answer = operation.run();
    disarm();
    if (std::hash<std::string>()(answer) != hash) note("another answer: ", answer.c_str());
  } catch (const Error& error) {
    disarm();
    if (error.code() != ErrorCode::out_of_memory) note("another error: ", error.what());
  } catch (const std::bad_alloc&) {
    disarm();
    if (in_library(failed_at())) note("std::bad_alloc crossed the border of the library", "");
  } catch (const std::exception& error) {
    disarm();
    note("another exception: ", error.what());
  }
  const long count = disarm();
  if (problem[0] != '\0') find(problem);
  if (const std::string left = operation.left_behind(); !left.empty()) find("left behind: " + left);
  return count;
}

void check_again(const Operation& operation, std::size_t hash) {
  try {
    if (std::hash<std::string>()(operation.run()) != hash) find("another answer afterwards");
  } catch (const std::exception& error) {
    find(std::string("fails afterwards: ") + error.what());
  }
}

// Runs `work` in a child; the signal that ended it, or 0.
int in_child(const std::function<void()>& work) {
  std::cout.flush();
  const pid_t child = ::fork();
  if (child == 0) {
    for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM}) {
      std::signal(signal, on_crash);
    }
    // libstdc++'s verbose terminate would write a line for each.
    std::set_terminate([] { std::abort(); });
    [&work]() noexcept { work(); }();  // an exception must not reach the parent's test cases
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return WTERMSIG(status);
  return WEXITSTATUS(status) > 128 ? WEXITSTATUS(status) - 128 : 0;
}

void find_crash(int signal) {
  find(signal == SIGALRM ? "no end" : std::string("killed by ") + ::strsignal(signal));
  Finding& finding = shared->finding[shared->findings - 1];
  finding.failed = shared->failed;
  finding.crashed = shared->crashed;
}

// In a process where the operation ran before, from allocation `from` on. False after a crash.
bool run_warm(const Operation& operation, long from, long step, Failing failing) {
  constexpr int kRunsBetweenAnswers = 16;
  shared->n = from;
  const int signal = in_child([&] {
    const std::size_t hash = std::hash<std::string>()(operation.run());
    check_again(operation, hash);
    long live = live_allocations();
    const int descriptors = open_descriptors();
    int runs = 0;
    for (long n = from;; n += step) {
      if (try_once(operation, n, failing, hash) < n) break;
      if (++runs % kRunsBetweenAnswers == 0) check_again(operation, hash);
      if (const long now = live_allocations(); now > live) {
        find("leaks " + std::to_string(now - live) + " allocations");
        live = now;
      }
      if (open_descriptors() != descriptors) find("leaks a descriptor");
    }
    check_again(operation, hash);
    shared->end = true;
  });
  if (signal != 0) find_crash(signal);
  return signal == 0;
}

// In a fresh process: the failing run, and one that must answer.
void run_fresh(const Operation& operation, long n, Failing failing, std::size_t hash, long live) {
  const int signal = in_child([&] {
    const int descriptors = open_descriptors();
    const long before = live_allocations();
    try_once(operation, n, failing, hash);
    check_again(operation, hash);
    const long left = live_allocations() - before;
    if (left > live) find("leaks " + std::to_string(left - live) + " allocations (fresh process)");
    if (open_descriptors() != descriptors) find("leaks a descriptor (fresh process)");
  });
  if (signal != 0) find_crash(signal);
}

// The functions that tell people where it was: those of the engine, and what it called.
std::string place(const Stack& stack) {
  std::string text;
  int shown = 0;
  for (const std::string& name : names_of(stack)) {
    const bool of_test = name.find("sapwood::test::") != std::string::npos;
    if (of_test && shown > 0) break;
    const bool tells_nothing = of_test || name == "?" || name == "fails" || name == "malloc" ||
                               name.starts_with("std::") || name.starts_with("operator new");
    if (tells_nothing) continue;
    if (++shown > 6) break;
    text += (text.empty() ? "" : " < ") + name;
  }
  return text;
}

bool has(const Stack& stack, std::string_view part) {
  const std::vector<std::string> names = names_of(stack);
  return std::any_of(names.begin(), names.end(), [part](const std::string& name) {
    return name.find(part) != std::string::npos;
  });
}

// Faults that are known and not mended yet, or not ours to mend; "" for any other. An entry goes
// when what it names is gone.
std::string known(const Finding& finding) {
  const std::string_view what = finding.what;
  const bool leaks = what.starts_with("leaks");
  if (leaks && has(finding.failed, "zip_fopen_index_encrypted")) return "libzip leaks";
  return "";
}

void report(const char* way) {
  std::map<std::string, std::vector<long>> groups;
  for (int i = 0; i < shared->findings; ++i) {
    const Finding& finding = shared->finding[i];
    std::string what = known(finding);
    if (!what.empty()) {
      what += " (known)";
    } else {
      what = finding.what;
      if (finding.crashed[0] != nullptr) what += "\n    crashed in " + place(finding.crashed);
      what += "\n    failed in " + place(finding.failed);
    }
    groups[what].push_back(finding.n);
  }
  for (const auto& [what, places] : groups) {
    const std::string text = std::string(way) + ": " + std::to_string(places.size()) + " of " +
                             std::to_string(shared->count) + " allocations, the first is " +
                             std::to_string(places[0]) + ": " + what;
    if (what.ends_with("(known)")) {
      std::cout << text << std::endl;
    } else {
      FAIL_CHECK(text);
    }
  }
}

void clear() { new (shared) Shared(); }

}  // namespace

void check_every_allocation(const Operation& operation, long most) {
  if (!can_fail_allocations()) {
    std::cout << "skipped: allocations cannot be made to fail under a sanitizer" << std::endl;
    return;
  }
  const char* const asked = std::getenv("SAPWOOD_ALLOCATIONS");
  const bool all = asked != nullptr && std::string_view(asked) == "all";
  Stack first;
  capture(first);   // loads the unwinder
  names_of(first);  // reads the symbols, once for all children
  void* const memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  shared = new (memory) Shared();

  REQUIRE(in_child([&] {
            const long live = live_allocations();
            arm(-1, Failing::once);
            shared->hash = std::hash<std::string>()(operation.run());
            shared->count = disarm();
            check_again(operation, shared->hash);
            shared->live = live_allocations() - live;
          }) == 0);
  REQUIRE(shared->findings == 0);
  const std::size_t hash = shared->hash;
  const long count = shared->count, live = shared->live;
  REQUIRE(count > 0);
  for (const Failing failing : {Failing::once, Failing::for_ever}) {
    const bool once = failing == Failing::once;
    const long places = once ? most : most / 4;
    const long step = all ? 1 : (count + places - 1) / places;
    clear();
    shared->count = count;
    long from = once ? 1 : step;
    while (from <= count + step && !run_warm(operation, from, step, failing)) {
      from = shared->n + step;
    }
    CHECK(shared->end);
    report(once ? "one fails" : "all fail from there");
    clear();
    shared->count = count;
    const long fresh_places = once ? 300 : 100;
    const long fresh_step = all ? 1 : (count + fresh_places - 1) / fresh_places;
    for (long n = once ? 1 : fresh_step; n <= count; n += fresh_step) {
      run_fresh(operation, n, failing, hash, live);
    }
    report(once ? "one fails at first use" : "all fail from there at first use");
  }
  ::munmap(memory, sizeof(Shared));
  shared = nullptr;
}

}  // namespace sapwood::test
