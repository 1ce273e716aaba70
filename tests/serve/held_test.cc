// Slow clients do not take all memory: long bodies and answers share what there is for them.
#include <string>
#include <vector>

#include "catch.h"
#include "service.h"

using namespace sapwood::test;

namespace {

sapwood::serve::ServerOptions with_little() {
  sapwood::serve::ServerOptions options;
  options.limits.held = 1 << 20;
  options.timeouts.linger = std::chrono::milliseconds(50);
  return options;
}

// A request that sends most of a body of 1 MB, and no more. The server has read it all: whoever else is ready is served
// between two of its reads of 64 KiB, so that after so many other requests there is nothing left of it.
Client begin_body(Service& service, std::size_t bytes) {
  Client client = service.connect();
  client.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\n");
  client.send(std::string(bytes, 'x'));
  for (int i = 0; i < 64; ++i) REQUIRE(service.connect().ask(post("/echo", "x"))->status == 200);
  return client;
}

bool answers(Service& service, const std::string& request, int status) {
  return soon([&] {
    const auto answer = service.connect().ask(request);
    return answer && answer->status == status;
  });
}

}  // namespace

TEST_CASE("held: long bodies of clients that are slow leave the short ones theirs, HOSTILE 42") {
  Service service(with_little());
  std::vector<Client> slow;
  slow.push_back(begin_body(service, 900'000));
  slow.push_back(begin_body(service, 900'000));
  // Both are kept, as one of them came first; what comes now is one too many.
  CHECK(answers(service, post("/echo", std::string(900'000, 'x')), 503));
  const auto refused = service.connect().ask(post("/echo", std::string(900'000, 'x')));
  REQUIRE(refused);
  CHECK(refused->has("connection", "close"));
  CHECK(refused->has("x-path", "/echo"));
  for (int i = 0; i < 100; ++i) {
    REQUIRE(service.connect().ask(post("/echo", std::string(60'000, 'x')))->status == 200);
  }
  // Those that were there go on.
  slow[0].send(std::string(100'000, 'x'));
  CHECK(slow[0].answer()->status == 200);
  slow.clear();
  CHECK(answers(service, post("/echo", std::string(900'000, 'x')), 200));
  for (int i = 0; i < 20; ++i) {
    REQUIRE(service.connect().ask(post("/echo", std::string(900'000, 'x')))->status == 200);
  }
}

TEST_CASE("held: chunks count as they come") {
  Service service(with_little());
  const Client first = begin_body(service, 700'000), second = begin_body(service, 700'000);
  Client client = service.connect();
  client.send("POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string part = "4e20\r\n" + std::string(20'000, 'x') + "\r\n";
  std::size_t sent = 0;
  for (; sent < 40 && client.send(part); ++sent) {
  }
  const auto answer = client.answer();
  REQUIRE(answer);
  CHECK(answer->status == 503);
}

TEST_CASE("held: long answers that nobody reads leave the others theirs") {
  Service service(with_little());
  std::vector<Client> slow;
  for (int i = 0; i < 2; ++i) {
    slow.push_back(Client::with_small_buffers(service.port()));
    slow.back().send(get("/big?20000000"));
    REQUIRE(soon([&] { return service.app.handled == i + 1; }));
  }
  // The first was alone, whatever its length; the second came when more than enough was held.
  const auto second = slow[1].answer();
  REQUIRE(second);
  CHECK(second->status == 503);
  CHECK(second->has("x-path", "/big"));
  CHECK(service.connect().ask(get("/big?1000"))->status == 200);
  CHECK(service.connect().ask(post("/echo", std::string(60'000, 'x')))->status == 200);
  CHECK(service.connect().ask(get("/big?100000"))->status == 503);
  slow.clear();
  CHECK(answers(service, get("/big?20000000"), 200));
  CHECK(answers(service, get("/big?20000000"), 200));
}

TEST_CASE("held: a HEAD and a request that is refused hold nothing") {
  Service service(with_little());
  for (int i = 0; i < 10; ++i) {
    Client client = service.connect();
    client.send("HEAD /big?5000000 HTTP/1.1\r\nHost: test\r\n\r\n");
    CHECK(client.answer(true)->status == 200);
    const auto refused =
        client.ask("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 2000000\r\n\r\n");
    CHECK(refused->status == 413);
  }
  CHECK(service.connect().ask(get("/big?5000000"))->status == 200);
}
