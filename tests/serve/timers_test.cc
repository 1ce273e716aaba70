// The three timers, and clients that are slow on purpose.
#include <string>
#include <thread>

#include "catch.h"
#include "service.h"

using namespace sapwood::test;
using std::chrono::milliseconds;

namespace {

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

sapwood::serve::ServerOptions quick() {
  sapwood::serve::ServerOptions options;
  options.timeouts.idle = milliseconds(300);
  options.timeouts.request = milliseconds(300);
  options.timeouts.write = milliseconds(100);
  return options;
}

// Sends a byte every 20 ms until there is an answer.
std::optional<Answer> trickle(Client& client, const std::string& bytes) {
  for (const char byte : bytes) {
    if (!client.send({&byte, 1})) break;
    std::this_thread::sleep_for(milliseconds(20));
  }
  return client.answer();
}

}  // namespace

TEST_CASE("timer: a head that comes byte by byte has 408 when its time is over, HOSTILE 42") {
  Service service(quick());
  Client client = service.connect();
  const auto begin = std::chrono::steady_clock::now();
  const auto answer = trickle(client, "GET /describe HTTP/1.1");
  REQUIRE(answer);
  CHECK(answer->status == 408);
  CHECK((answer->has("x-path", "/describe") || answer->has("x-path", "")));
  CHECK(answer->has("connection", "close"));
  CHECK(seconds_since(begin) >= 0.3);
  CHECK(service.app.handled == 0);
}

TEST_CASE("timer: a body that comes byte by byte has 408 when its time is over, HOSTILE 42") {
  Service service(quick());
  for (const std::string framing :
       {"Content-Length: 1000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n1\r\n"}) {
    Client client = service.connect();
    client.send("POST /echo HTTP/1.1\r\nHost: test\r\n" + framing);
    const auto answer = trickle(client, "a");
    REQUIRE(answer);
    CHECK(answer->status == 408);
    client.shut_down();
    CHECK(client.rest() == "");
  }
}

TEST_CASE("timer: a 408 is told which path was asked for, where the head had got so far") {
  Service service(quick());
  for (const auto& [begin, path] :
       {std::pair("GET /desc", ""), std::pair("GET /describe HT", "/describe"),
        std::pair("POST /echo HTTP/1.1\r\nHost: te", "/echo"),
        std::pair("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\n", "/echo")}) {
    INFO(begin);
    const auto answer = service.connect().ask(begin);
    REQUIRE(answer);
    CHECK(answer->status == 408);
    CHECK(answer->has("x-path", path));
  }
}

TEST_CASE("timer: an idle connection is closed, before a request and after one") {
  Service service(quick());
  Client silent = service.connect(), kept = service.connect();
  const auto begin = std::chrono::steady_clock::now();
  CHECK(kept.ask(get("/describe"))->status == 200);
  CHECK(silent.is_closed());
  CHECK(kept.is_closed());
  CHECK(seconds_since(begin) >= 0.28);
}

TEST_CASE("timer: requests restart the time of an idle connection") {
  sapwood::serve::ServerOptions options;
  options.timeouts.idle = milliseconds(1000);
  Service service(options);
  Client client = service.connect();
  for (int i = 0; i < 7; ++i) {
    const auto answer = client.ask(get("/describe"));
    REQUIRE(answer);
    std::this_thread::sleep_for(milliseconds(200));
  }
}

TEST_CASE("timer: waiting for the application is no matter of the transport's timers") {
  Service service(quick());
  Client client = service.connect();
  const auto answer = client.ask(get("/later?1000"));
  REQUIRE(answer);
  CHECK(answer->body == "later");
}

TEST_CASE("timer: a client that does not take its answer is closed") {
  Service service(quick());
  Client client = Client::with_small_buffers(service.port());
  client.send(get("/big?20000000"));
  CHECK(soon([&] { return service.app.handled == 1; }));
  const auto begin = std::chrono::steady_clock::now();
  CHECK(soon([&] { return service.server.statistics().connections == 0; }));
  CHECK(seconds_since(begin) >= 1.5);  // 100 ms for each of 20 MiB that is begun
  CHECK(client.rest().size() < 20'000'000);
}

TEST_CASE("timer: many slow clients, and others are answered at once") {
  Service service(quick());
  std::vector<Client> slow;
  for (int i = 0; i < 200; ++i) {
    slow.push_back(service.connect());
    slow.back().send("POST /echo HTTP/1.1\r\n");
  }
  Client client = service.connect();
  for (int i = 0; i < 100; ++i) REQUIRE(client.ask(post("/echo", "x"))->body == "x");
  for (Client& each : slow) CHECK(each.answer()->status == 408);
}
