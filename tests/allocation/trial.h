// Every allocation of an operation fails once, in child processes, so that a crash is an
// observation and not the end of the test.
#pragma once

#include <functional>
#include <string>

namespace sapwood::test {

struct Operation {
  // What it answers, always the same. An Error that is the answer (of a damaged file) is caught
  // inside and returned as a text; one with the code out_of_memory is not.
  std::function<std::string()> run;
  // After each run, whatever became of it: what is left in a wrong state, or "".
  std::function<std::string()> left_behind = [] { return std::string(); };
};

// Checks (Catch2) that each failing allocation of the operation gives the right answer or Error
// out_of_memory (std::bad_alloc only where the test's own code asked for the memory: the library
// throws nothing but Error), that nothing leaks, neither memory nor
// mappings nor descriptors, and that the operation then answers right in the same process.
//
// In two ways: the one allocation alone fails, or all that follow too, as where memory is really
// short. And in two states: in a process where the operation ran before, where all that is made
// once is there, and each in a fresh process, where the first use of everything fails too. One
// alone, where the operation ran before: every allocation up to `most` of them, evenly spread
// beyond; the others are spread over fewer. The environment variable SAPWOOD_ALLOCATIONS=all tries
// all in each.
void check_every_allocation(const Operation& operation, long most = 3000);

}  // namespace sapwood::test
