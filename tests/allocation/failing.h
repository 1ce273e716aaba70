// Allocations of this process, made to fail one by one. The program's own malloc and its kin stand
// before the C library's, so everything passes here: operator new, and the libraries written in C.
// Mappings (mmap) count as allocations.
#pragma once

#include <array>
#include <cstddef>

namespace sapwood::test {

// Whether this build can do it: sanitizers own malloc.
bool can_fail_allocations();

enum class Failing {
  once,     // the n-th allocation alone
  for_ever  // the n-th and all that follow, until disarm()
};

// Counts allocations from 1 and makes the n-th one fail.
void arm(long n, Failing failing);
// Lets all succeed again; returns how many allocations were asked for since arm().
long disarm();

// Allocations and mappings that were made and not yet freed.
long live_allocations();

// Return addresses of a call stack, innermost first; 0 behind the last.
using Stack = std::array<void*, 64>;

// Where the allocation was asked for that arm() made fail.
const Stack& failed_at();
// The stack of the caller. Allocates at its first call only.
void capture(Stack& stack);

}  // namespace sapwood::test
