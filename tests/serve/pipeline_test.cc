// Many requests on a connection: one after another, all at once, and cut anywhere.
#include <string>

#include "catch.h"
#include "service.h"

using namespace sapwood::test;

TEST_CASE("pipeline: requests sent at once are answered in their order") {
  Service service;
  Client client = service.connect();
  std::string requests;
  for (int i = 0; i < 200; ++i) {
    const std::string name = std::to_string(i);
    if (i % 50 == 20) {
      requests += get("/later?20");
    } else if (i % 3 == 0) {
      requests += "POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n" +
                  std::string("1\r\n#\r\n") + "0\r\n\r\n";
    } else {
      requests += post("/echo", name);
    }
  }
  client.send(requests);
  for (int i = 0; i < 200; ++i) {
    const auto answer = client.answer();
    REQUIRE(answer);
    CHECK(answer->body == (i % 50 == 20 ? "later" : i % 3 == 0 ? "#" : std::to_string(i)));
  }
}

TEST_CASE("pipeline: more sent ahead than the buffer takes waits in the system's") {
  Service service;
  Client client = service.connect();
  client.send(get("/wait"));
  REQUIRE(soon([&] { return service.app.waiting == 1; }));
  std::thread sender([&] {
    for (int i = 0; i < 300; ++i) client.send(post("/echo", std::string(1000, 'a')));
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK(service.app.handled == 1);
  service.app.answer_waiting();
  CHECK(client.answer()->body == "waited");
  for (int i = 0; i < 300; ++i) REQUIRE(client.answer()->body.size() == 1000);
  sender.join();
}

TEST_CASE("pipeline: Connection: close ends it after its request") {
  Service service;
  for (const char* value : {"close", "Keep-Alive, CLOSE", "close, x"}) {
    Client client = service.connect();
    client.send(get("/describe") + get("/describe", "Connection: " + std::string(value) + "\r\n") +
                get("/describe"));
    CHECK_FALSE(client.answer()->has("connection", "close"));
    CHECK(client.answer()->has("connection", "close"));
    client.shut_down();
    CHECK(client.rest() == "");
  }
  CHECK(service.app.handled == 6);
}

TEST_CASE("pipeline: a request cut at every byte is the same request") {
  Service service;
  const std::string request = "POST /describe?q HTTP/1.1\r\nHost: test\r\nX: y\r\n";
  for (const std::string& whole :
       {request + "Content-Length: 5\r\n\r\nhello",
        request +
            "Transfer-Encoding: chunked\r\n\r\n2;a=\"b\"\r\nhe\r\n3\r\nllo\r\n0\r\nT: u\r\n\r\n"}) {
    Client client = service.connect();
    client.send(whole);
    const std::string expected = client.answer()->body;
    CHECK(expected.ends_with("\n\nhello"));
    for (std::size_t i = 1; i < whole.size(); ++i) {
      client.send(whole.substr(0, i));
      if (i % 8 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      const auto answer = client.ask(whole.substr(i));
      REQUIRE(answer);
      CHECK(answer->body == expected);
    }
    client.send_each_byte(whole);
    CHECK(client.answer()->body == expected);
  }
}

TEST_CASE("pipeline: answers from many threads reach their own clients") {
  Service service;
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      Client client = service.connect();
      for (int i = 0; i < 30; ++i) {
        const std::string name = std::to_string(t) + "." + std::to_string(i);
        const auto echo = client.ask(post("/echo", name));
        const auto later = client.ask(get("/later?" + std::to_string(i % 3)));
        good += echo && echo->body == name && later && later->body == "later";
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(good == 8 * 30);
}
