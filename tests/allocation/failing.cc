#include "failing.h"

#include <execinfo.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SAPWOOD_FAILS_ALLOCATIONS 0
#else
#define SAPWOOD_FAILS_ALLOCATIONS 1
#endif

namespace {

using sapwood::test::Failing;
using sapwood::test::Stack;

std::atomic<bool> armed{false};
std::atomic<long> counted{0}, living{0};
long fails_at = 0;
Failing how = Failing::once;
Stack failure{};
thread_local bool inside = false;  // backtrace() may allocate

}  // namespace

#if SAPWOOD_FAILS_ALLOCATIONS
namespace {

bool fails() {
  if (!armed.load(std::memory_order_relaxed) || inside) return false;
  const long n = ++counted;
  if (n < fails_at || (n > fails_at && how == Failing::once)) return false;
  if (n == fails_at) sapwood::test::capture(failure);
  errno = ENOMEM;
  return true;
}

void* made(void* p) {
  if (p != nullptr) ++living;
  return p;
}

}  // namespace

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);

void* malloc(std::size_t size) { return fails() ? nullptr : made(__libc_malloc(size)); }

void* calloc(std::size_t count, std::size_t size) {
  return fails() ? nullptr : made(__libc_calloc(count, size));
}

void* realloc(void* p, std::size_t size) {
  if (fails()) return nullptr;
  if (p == nullptr) return made(__libc_malloc(size));
  if (size == 0) --living;  // the C library frees it
  return __libc_realloc(p, size);
}

void* memalign(std::size_t alignment, std::size_t size) {
  return fails() ? nullptr : made(__libc_memalign(alignment, size));
}

void* aligned_alloc(std::size_t alignment, std::size_t size) { return memalign(alignment, size); }

int posix_memalign(void** p, std::size_t alignment, std::size_t size) {
  void* const memory = memalign(alignment, size);
  if (memory == nullptr) return ENOMEM;
  *p = memory;
  return 0;
}

void free(void* p) {
  if (p != nullptr) --living;
  __libc_free(p);
}

void* mmap(void* address, std::size_t length, int protection, int flags, int fd, off_t offset) {
  if (fails()) return MAP_FAILED;
  const long result = syscall(SYS_mmap, address, length, protection, flags, fd, offset);
  if (result == -1) return MAP_FAILED;
  ++living;
  return reinterpret_cast<void*>(result);
}

int munmap(void* address, std::size_t length) {
  const auto result = static_cast<int>(syscall(SYS_munmap, address, length));
  if (result == 0) --living;
  return result;
}
}
#endif

namespace sapwood::test {

bool can_fail_allocations() { return SAPWOOD_FAILS_ALLOCATIONS != 0; }

void arm(long n, Failing failing) {
  fails_at = n;
  how = failing;
  failure.fill(nullptr);
  counted = 0;
  armed = true;
}

long disarm() {
  armed = false;
  return counted;
}

long live_allocations() { return living; }

const Stack& failed_at() { return failure; }

void capture(Stack& stack) {
  inside = true;
  stack.fill(nullptr);
  ::backtrace(stack.data(), static_cast<int>(stack.size()) - 1);
  inside = false;
}

}  // namespace sapwood::test
