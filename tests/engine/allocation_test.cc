// Running a graph allocates nothing: counted, not claimed.
#include <malloc.h>

#include <atomic>
#include <cstdlib>

#include "catch.h"
#include "golden.h"
#include "sapwood/session.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SAPWOOD_COUNTS_ALLOCATIONS 0  // the sanitizers own malloc
#else
#define SAPWOOD_COUNTS_ALLOCATIONS 1
#endif

#if SAPWOOD_COUNTS_ALLOCATIONS
namespace {
std::atomic<long> allocations{0};
std::atomic<long> live_bytes{0};  // as the C library rounds them

void* counted(void* p) {
  ++allocations;
  live_bytes += static_cast<long>(malloc_usable_size(p));
  return p;
}
}  // namespace

// glibc's own functions under other names: everything that allocates passes here, operator new too.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void __libc_free(void*);

void* malloc(std::size_t size) { return counted(__libc_malloc(size)); }
void* calloc(std::size_t count, std::size_t size) { return counted(__libc_calloc(count, size)); }
void* realloc(void* p, std::size_t size) {
  live_bytes -= static_cast<long>(malloc_usable_size(p));
  return counted(__libc_realloc(p, size));
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return counted(__libc_memalign(alignment, size));
}
void free(void* p) {
  live_bytes -= static_cast<long>(malloc_usable_size(p));
  __libc_free(p);
}
}
#endif

namespace sapwood::test {
namespace {

TEST_CASE("running a model allocates nothing", "[allocation]") {
#if SAPWOOD_COUNTS_ALLOCATIONS
  for (const fs::path& folder : subdirectories(golden_dir())) {
    INFO("checkpoint: " << folder.filename());
    const Model model = Model::load(folder);
    const RandomTexts texts(model, 6, 1);
    const Output output = model.config().head == HeadKind::none ? Output::hidden : Output::head;
    float sum = 0;
    const Model::Sink sink = [&sum](std::size_t, const MatrixView& view) {
      if (view.rows > 0) sum += view.data[0];
    };
    model.run(texts.sequences, output, sink);  // makes the workspace
    const long before = allocations;
    for (int i = 0; i < 3; ++i) model.run(texts.sequences, output, sink);
    CHECK(allocations - before == 0);
    CHECK(std::isfinite(sum));
  }
  const long before = allocations;
  std::free(std::malloc(1));
  CHECK(allocations - before >= 1);  // the counter counts
#else
  skipped("allocations cannot be counted under a sanitizer");
#endif
}

TEST_CASE("a session allocates when it is made, says how much, and gives it back",
          "[allocation][session]") {
#if SAPWOOD_COUNTS_ALLOCATIONS
  for (const fs::path& folder : subdirectories(golden_dir())) {
    INFO("checkpoint: " << folder.filename());
    const Model model = Model::load(
        folder,
        {.dtype = folder.filename() == "bert-qa" ? WeightType::int8 : WeightType::automatic});
    const RandomTexts texts(model, 6, 1);
    const Output output = model.config().head == HeadKind::none ? Output::hidden : Output::head;
    for (const int batch_tokens : {0, 100, 5000}) {
      const long before = live_bytes;
      {
        Session session(model, {.batch_tokens = batch_tokens});
        const long held = live_bytes - before;
        CHECK(held >= session.memory_bytes());
        CHECK(held <= session.memory_bytes() + session.memory_bytes() / 100 + 8192);
        const long count = allocations;
        for (int i = 0; i < 3; ++i) {
          session.clear();
          for (const Sequence& s : texts.sequences) session.add(s);
          CHECK(session.run(output) == RunStatus::ok);
        }
        CHECK(allocations - count == 0);
        CHECK(live_bytes - before == held);
      }
      CHECK(live_bytes - before == 0);
    }
  }
#else
  skipped("allocations cannot be counted under a sanitizer");
#endif
}

}  // namespace
}  // namespace sapwood::test
