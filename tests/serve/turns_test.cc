// The transport's thread asks for short turns on its processor.
#include "turns.h"

#include <sched.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <iostream>
#include <thread>

#include "catch.h"

namespace {

// Of Linux's struct sched_attr.
struct Attributes {
  std::uint32_t size = 0, policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0, deadline = 0, period = 0;
};

Attributes of_this_thread() {
  Attributes attributes;
  REQUIRE(::syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) == 0);
  return attributes;
}

bool system_knows_turns() {
  utsname system{};
  int major = 0, minor = 0;
  REQUIRE(::uname(&system) == 0);
  REQUIRE(std::sscanf(system.release, "%d.%d", &major, &minor) == 2);
  return major > 6 || (major == 6 && minor >= 12);
}

}  // namespace

TEST_CASE("turns: they become short, and a thread's policy and nice value stay", "[threads]") {
  if (!system_knows_turns()) {
    std::cout << "skipped: Linux before 6.12 has no turns that a thread may ask for\n";
    return;
  }
  std::thread([] {
    REQUIRE(::nice(3) == 3);
    sapwood::serve::prefer_short_turns();
    const Attributes after = of_this_thread();
    CHECK(after.runtime == 100'000);
    CHECK(after.policy == SCHED_OTHER);
    CHECK(after.nice == 3);
  }).join();
  std::thread([] {
    const sched_param none{};
    REQUIRE(::sched_setscheduler(0, SCHED_IDLE, &none) == 0);
    sapwood::serve::prefer_short_turns();
    CHECK(of_this_thread().policy == SCHED_IDLE);
  }).join();
}
