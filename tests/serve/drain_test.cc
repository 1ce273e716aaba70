// The end of a service: announced, bounded, and without an answer lost.
#include <csignal>
#include <string>

#include "catch.h"
#include "service.h"

using namespace sapwood::test;
using std::chrono::milliseconds;

namespace {

bool accepts(std::uint16_t port) {
  try {
    const Client client(port);
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

}  // namespace

TEST_CASE("drain: what is under way is answered, idle connections end, HOSTILE 50") {
  Service service;
  const std::uint16_t port = service.port();
  Client idle = service.connect(), waiting = service.connect();
  CHECK_FALSE(idle.ask(get("/describe"))->has("connection", "close"));
  waiting.send(get("/wait"));
  CHECK(soon([&] { return service.app.waiting == 1; }));
  CHECK_FALSE(service.app.draining);
  service.server.drain();
  CHECK(soon([&] { return service.app.draining.load(); }));
  CHECK(idle.is_closed());
  CHECK_FALSE(accepts(port));
  service.app.answer_waiting();
  const auto answer = waiting.answer();
  REQUIRE(answer);
  CHECK(answer->body == "waited");
  CHECK(answer->has("connection", "close"));
  waiting.close();
  CHECK(service.ends());
}

TEST_CASE("drain: with a delay new connections are answered meanwhile, each once") {
  sapwood::serve::ServerOptions options;
  options.drain_delay = milliseconds(1000);
  Service service(options);
  Client idle = service.connect();
  CHECK(idle.ask(get("/describe")));
  service.server.drain();
  CHECK(soon([&] { return service.app.draining.load(); }));
  Client late = service.connect();
  const auto answer = late.ask(get("/describe"));
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(answer->has("connection", "close"));
  CHECK_FALSE(idle.is_closed(milliseconds(50)));
  CHECK(idle.ask(get("/describe"))->has("connection", "close"));
  late.close();
  idle.close();
  CHECK(service.ends());
}

TEST_CASE("drain: a request that has begun is read and answered") {
  Service service;
  Client client = service.connect();
  const std::string request = post("/echo", "hello");
  client.send(request.substr(0, 20));
  CHECK(soon([&] { return service.server.statistics().connections == 1; }));
  std::this_thread::sleep_for(milliseconds(50));
  service.server.drain();
  CHECK(soon([&] { return service.app.draining.load(); }));
  const auto answer = client.ask(request.substr(20));
  REQUIRE(answer);
  CHECK(answer->body == "hello");
  client.close();
  CHECK(service.ends());
}

TEST_CASE("drain: what does not end is closed in the end, and its application told") {
  sapwood::serve::ServerOptions options;
  options.drain_limit = milliseconds(200);
  Service service(options);
  Client waiting = service.connect(), half = service.connect();
  waiting.send(get("/wait"));
  half.send("POST");
  CHECK(soon([&] { return service.app.waiting == 1; }));
  service.server.drain();
  CHECK(service.ends());
  CHECK(service.app.left == 1);
  CHECK(waiting.rest() == "");
  CHECK(half.rest() == "");
}

TEST_CASE("drain: stop() ends at once") {
  Service service;
  Client waiting = service.connect();
  waiting.send(get("/wait"));
  CHECK(soon([&] { return service.app.waiting == 1; }));
  service.server.stop();
  CHECK(service.ends());
  CHECK(service.app.left == 1);
  CHECK_FALSE(service.app.draining);
}

TEST_CASE("drain: a signal between the beginning of a server and its run is not lost") {
  TestApp app;
  std::atomic<int> hangups{0};
  sapwood::serve::ServerOptions options;
  options.handle_signals = true;
  options.on_hangup = [&] { ++hangups; };
  sapwood::serve::Server server(app, options);
  ::kill(::getpid(), SIGHUP);
  std::thread thread([&] { server.run(); });
  CHECK(soon([&] { return hangups == 1; }));
  ::kill(::getpid(), SIGTERM);
  CHECK(soon([&] { return app.draining.load(); }));
  thread.join();
}

TEST_CASE("drain: SIGTERM drains, a second signal stops, SIGHUP calls back") {
  std::atomic<int> hangups{0};
  sapwood::serve::ServerOptions options;
  options.handle_signals = true;
  options.on_hangup = [&] { ++hangups; };
  Service service(options);
  Client waiting = service.connect();
  waiting.send(get("/wait"));
  CHECK(soon([&] { return service.app.waiting == 1; }));
  ::kill(::getpid(), SIGHUP);
  CHECK(soon([&] { return hangups == 1; }));
  ::kill(::getpid(), SIGHUP);
  CHECK(soon([&] { return hangups == 2; }));
  ::kill(::getpid(), SIGTERM);
  CHECK(soon([&] { return service.app.draining.load(); }));
  std::this_thread::sleep_for(milliseconds(50));
  CHECK(service.server.statistics().connections == 1);
  ::kill(::getpid(), SIGINT);
  CHECK(service.ends());
}
