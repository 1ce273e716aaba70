// Clients that leave while they wait, in the middle of their answer, or only half.
#include <string>

#include "catch.h"
#include "service.h"

using namespace sapwood::test;

namespace {

bool waits(Service& service, int requests = 1) {
  return soon([&] { return service.app.waiting == requests; });
}

bool left(Service& service, int clients = 1) {
  return soon([&] { return service.app.left == clients; });
}

bool has_no_connections(Service& service) {
  return soon([&] { return service.server.statistics().connections == 0; });
}

}  // namespace

TEST_CASE("leave: the application is told of a client that leaves while it waits, HOSTILE 48") {
  Service service;
  for (const bool reset : {false, true}) {
    service.app.left = service.app.waiting = 0;
    Client client = service.connect();
    client.send(get("/wait"));
    REQUIRE(waits(service));
    CHECK(service.app.left == 0);
    client.close(reset);
    CHECK(left(service));
    service.app.answer_waiting();  // goes nowhere
    CHECK(has_no_connections(service));
  }
  CHECK(service.server.statistics().left == 2);
  CHECK(service.connect().ask(get("/describe"))->status == 200);
}

TEST_CASE("leave: who asks when the client has left is told at once") {
  Service service;
  Client client = service.connect();
  client.send(get("/wait"));
  REQUIRE(waits(service));
  client.close();
  REQUIRE(left(service));
  service.app.watch_waiting();
  CHECK(service.app.left == 2);
}

TEST_CASE("leave: a client that has only shut down its sending is told of, and still answered") {
  Service service;
  Client client = service.connect();
  client.send(get("/wait"));
  client.shut_down();
  REQUIRE(waits(service));
  REQUIRE(left(service));
  service.app.answer_waiting();
  const auto answer = client.answer();
  REQUIRE(answer);
  CHECK(answer->body == "waited");
  CHECK(answer->has("connection", "close"));
  CHECK(client.is_closed());
}

TEST_CASE("leave: what the application drops after a client has left is closed without an answer") {
  Service service;
  Client client = service.connect();
  client.send(get("/wait"));
  client.shut_down();
  REQUIRE(waits(service));
  REQUIRE(left(service));
  service.app.drop_waiting();
  CHECK(client.rest() == "");
  CHECK(has_no_connections(service));
}

TEST_CASE("leave: a request sent ahead is no leaving, and does not hide it") {
  Service service;
  Client client = service.connect();
  client.send(get("/wait") + get("/describe"));
  REQUIRE(waits(service));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK(service.app.left == 0);
  client.close();
  CHECK(left(service));
  service.app.answer_waiting();
  CHECK(has_no_connections(service));
  CHECK(service.app.handled == 1);
}

TEST_CASE("leave: in the middle of an answer") {
  Service service;
  for (const bool reset : {false, true}) {
    Client client = Client::with_small_buffers(service.port());
    client.send(get("/big?50000000"));
    char bytes[1000];
    CHECK(::read(client.fd(), bytes, sizeof bytes) > 0);
    client.close(reset);
    CHECK(has_no_connections(service));
  }
  CHECK(service.app.left == 0);
}

TEST_CASE("leave: in the middle of a request") {
  Service service;
  const std::string request = post("/echo", "hello");
  for (std::size_t size = 1; size < request.size(); size += 7) {
    Client client = service.connect();
    client.send(request.substr(0, size));
    client.shut_down();
    CHECK(client.rest() == "");
  }
  CHECK(has_no_connections(service));
  CHECK(service.app.handled == 0);
}

TEST_CASE("leave: answers that come when the server is gone go nowhere") {
  TestApp app;
  {
    sapwood::serve::Server server(app, {});
    std::thread thread([&] { server.run(); });
    const std::string& address = server.addresses().front();
    Client client(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    client.send(get("/later?200"));
    client.send(get("/wait"));
    CHECK(soon([&] { return app.handled == 1; }));
    server.stop();
    thread.join();
    CHECK(app.left == 1);
  }
}
