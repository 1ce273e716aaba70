// Many connections, and what happens where no more can be had.
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "catch.h"
#include "sanitizer.h"
#include "service.h"

using namespace sapwood::test;
using std::chrono::milliseconds;

namespace {

std::size_t resident_bytes() {
  std::size_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// Sets this process' limit of open files, and puts back what was there.
class FileLimit {
 public:
  explicit FileLimit(rlim_t files) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = files;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~FileLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_;
};

int lowest_free_fd() {
  const int fd = ::dup(0);
  ::close(fd);
  return fd;
}

}  // namespace

TEST_CASE(
    "connections: idle ones cost little memory, and others are answered beside them, HOSTILE 42") {
  // SAPWOOD_TEST_CONNECTIONS=10000 needs 20,200 open files.
  const char* const wanted = std::getenv("SAPWOOD_TEST_CONNECTIONS");
  Service service;
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const int count = std::min(wanted != nullptr ? std::atoi(wanted) : 1000,
                             static_cast<int>(std::min<rlim_t>(files.rlim_cur, 1 << 20) - 200) / 2);
  std::vector<Client> clients;
  clients.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < 50; ++i) service.connect().ask(get("/describe"));  // what is allocated once
  const std::size_t before = resident_bytes();
  for (int i = 0; i < count; ++i) {
    clients.push_back(service.connect());
    REQUIRE(clients.back().ask(get("/describe")));
  }
  const std::size_t each = (resident_bytes() - before) / static_cast<std::size_t>(count);
  std::cout << "an idle connection of " << count << " takes " << each << " bytes\n";
  if (!sanitized("memory of connections, because it keeps more")) CHECK(each < 6000);
  CHECK(service.server.statistics().connections >= clients.size());
  const std::clock_t begin = std::clock();
  for (int i = 0; i < 100; ++i)
    CHECK(clients[static_cast<std::size_t>(i * 7)].ask(get("/describe")));
  const double ms = 1e3 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  CHECK(ms < 2000);
  clients.clear();
  CHECK(soon([&] { return service.server.statistics().connections == 0; }));
}

TEST_CASE("connections: where no more files can be opened, accepting pauses and does not spin") {
  Service service;
  CHECK(service.connect().ask(get("/describe")));
  CHECK(soon([&] { return service.server.statistics().connections == 0; }));
  // Checks wait until files can be opened again, as the sanitizers open some.
  std::optional<FileLimit> limit(std::in_place, static_cast<rlim_t>(lowest_free_fd() + 1));
  Client client = service.connect();  // the last file
  client.send(get("/describe"));
  const std::clock_t begin = std::clock();
  const bool paused = soon([&] { return service.server.statistics().pauses >= 3; });
  std::this_thread::sleep_for(milliseconds(300));
  const double ms = 1e3 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  const std::uint64_t pauses = service.server.statistics().pauses;
  limit.reset();
  CHECK(paused);
  CHECK(ms < 200);
  CHECK(pauses < 30);
  CHECK(client.answer()->status == 200);
}

TEST_CASE("connections: those over the limit wait until another ends") {
  sapwood::serve::ServerOptions options;
  options.limits.connections = 2;
  Service service(options);
  Client first = service.connect(), second = service.connect();
  CHECK(first.ask(get("/describe")));
  CHECK(second.ask(get("/describe")));
  Client third = service.connect();
  third.send(get("/describe"));
  CHECK(soon([&] { return service.server.statistics().pauses >= 1; }));
  CHECK(service.app.handled == 2);
  first.close();
  CHECK(third.answer()->status == 200);
}

TEST_CASE("connections: the limit of open files is raised") {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const FileLimit low(std::min<rlim_t>(limit.rlim_max, 512));
  Service service;
  ::getrlimit(RLIMIT_NOFILE, &limit);
  CHECK(limit.rlim_cur == limit.rlim_max);
}

TEST_CASE("connections: after 500 of noise the server answers as before") {
  sapwood::serve::ServerOptions options;
  options.timeouts.linger = milliseconds(50);
  Service service(options);
  std::mt19937 random(1);
  const std::string begin =
      "POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 500; ++i) {
    std::string noise(1 + random() % 3000, '\0');
    for (char& byte : noise) byte = static_cast<char>(random());
    Client client = service.connect();
    client.send(i % 3 == 0 ? noise : begin.substr(0, random() % (begin.size() + 1)) + noise);
    client.shut_down();
    const std::string answer = client.rest();
    CHECK((answer.empty() || answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 5")));
  }
  CHECK(service.connect().ask(post("/echo", "hello"))->body == "hello");
  CHECK(service.app.handled == 1);
  CHECK(soon([&] { return service.server.statistics().connections == 0; }));
}
