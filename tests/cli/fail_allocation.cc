// Preloaded into the program: the allocation number $SAPWOOD_TEST_FAIL fails, and so do all after
// it where $SAPWOOD_TEST_FAIL_ALL is set.
#include <cerrno>
#include <cstddef>
#include <cstdlib>

extern "C" {

void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

static long failing = 0;  // 0: nothing fails yet
static bool all = false;
static long count = 0;

// Runs after the C library is set up, and before the program's own initialisers.
__attribute__((constructor)) static void read_environment() {
  const char* number = std::getenv("SAPWOOD_TEST_FAIL");
  failing = number != nullptr ? std::atol(number) : 0;
  all = std::getenv("SAPWOOD_TEST_FAIL_ALL") != nullptr;
}

static bool fails() {
  if (failing == 0) return false;
  const long mine = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
  if (mine != failing && !(all && mine > failing)) return false;
  errno = ENOMEM;
  return true;
}

void* malloc(std::size_t size) { return fails() ? nullptr : __libc_malloc(size); }
void* calloc(std::size_t n, std::size_t size) { return fails() ? nullptr : __libc_calloc(n, size); }
void* realloc(void* p, std::size_t size) { return fails() ? nullptr : __libc_realloc(p, size); }
void* memalign(std::size_t alignment, std::size_t size) {
  return fails() ? nullptr : __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) { return memalign(alignment, size); }
int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  *out = memalign(alignment, size);
  return *out == nullptr ? ENOMEM : 0;
}
}
