// Bodies: their limits, chunks and what follows them, and those that nobody wants.
#include <string>

#include "catch.h"
#include "service.h"

using namespace sapwood::test;

namespace {

const std::string kChunked =
    "POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string chunk(const std::string& bytes, const std::string& extension = "") {
  char size[20];
  std::snprintf(size, sizeof size, "%zx", bytes.size());
  return size + extension + "\r\n" + bytes + "\r\n";
}

int status_of(Client& client) {
  const auto answer = client.answer();
  return answer ? answer->status : 0;
}

}  // namespace

TEST_CASE("body: over the limit by its Content-Length is 413 before it is read, HOSTILE 39") {
  Service service;
  for (const char* length :
       {"1048577", "10000000000", "9223372036854775808", "18446744073709551615"}) {
    INFO(length);
    Client client = service.connect();
    client.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::string(length) +
                "\r\n\r\n" + get("/describe"));
    const auto answer = client.answer();
    REQUIRE(answer);
    CHECK(answer->status == 413);
    CHECK(answer->body.find(length) != std::string::npos);
    client.shut_down();
    CHECK(client.rest() == "");
  }
  CHECK(service.app.handled == 0);
}

TEST_CASE("body: a client that goes on sending gets its 413, not a reset") {
  Service service;
  Client client = service.connect();
  client.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 3000000\r\n\r\n");
  CHECK(client.send(std::string(3'000'000, 'x')));
  CHECK(status_of(client) == 413);
  CHECK(client.is_closed());
}

TEST_CASE("body: after the last answer at most 4 MB are read") {
  sapwood::serve::ServerOptions options;
  options.timeouts.linger = std::chrono::seconds(20);
  Service service(options);
  Client client = service.connect();
  client.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000000\r\n\r\n");
  std::size_t sent = 0;
  const std::string part(1 << 16, 'x');
  while (sent < 200'000'000 && client.send(part)) sent += part.size();
  CHECK(sent > (4 << 20));
  CHECK(sent < 100'000'000);  // the systems' buffers are in it
}

TEST_CASE("body: after the last answer a client that does not close is closed") {
  sapwood::serve::ServerOptions options;
  options.timeouts.linger = std::chrono::milliseconds(100);
  Service service(options);
  Client client = service.connect();
  client.send("POST /echo HTTP/1.1\r\nHost: test\r\n\r\n");
  CHECK(status_of(client) == 411);
  CHECK(soon([&] { return service.server.statistics().connections == 0; }));
}

TEST_CASE("body: chunks that grow past the limit are 413, HOSTILE 39") {
  Service service;
  Client client = service.connect();
  client.send(kChunked);
  for (int i = 0; i < 17; ++i) client.send(chunk(std::string(1 << 16, 'x')));
  CHECK(status_of(client) == 413);
  client.shut_down();
  CHECK(client.rest() == "");

  Client announced = service.connect();
  announced.send(kChunked + "ffffffffff\r\n" + std::string(1000, 'x'));
  for (int i = 0; i < 20; ++i) announced.send(std::string(1 << 16, 'x'));
  CHECK(status_of(announced) == 413);
}

TEST_CASE("body: a body as large as the limit comes back whole") {
  Service service;
  Client client = service.connect();
  std::string body(TestApp::kMaxBody, 'x');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 2654435761u >> 13);
  client.send(post("/echo", body));
  const auto sized = client.answer();
  REQUIRE(sized);
  CHECK((sized->body == body));
  client.send(kChunked);
  for (std::size_t at = 0; at < body.size(); at += 1000) client.send(chunk(body.substr(at, 1000)));
  client.send("0\r\n\r\n");
  const auto chunked = client.answer();
  REQUIRE(chunked);
  CHECK((chunked->body == body));
}

TEST_CASE("body: chunks that are none are refused, HOSTILE 40") {
  Service service;
  for (const char* bad :
       {"-2\r\nab\r\n", "11111111111111111\r\nx", "0x2\r\nab\r\n", "\r\n", "g\r\n", "2 x\r\nab\r\n",
        "2;\x01\r\nab\r\n", "2;a=\x7f\r\nab\r\n", "2\nab\r\n", "2\r\nabc\r\n", "2\r\nab0\r\n\r\n",
        "2;a=\"\r\n\"\r\nab\r\n", "0\r\nbad trailer\r\n\r\n", "0\r\n\x01: x\r\n\r\n"}) {
    INFO(bad);
    Client client = service.connect();
    client.send(kChunked + bad + get("/describe"));
    CHECK(status_of(client) == 400);
    client.shut_down();
    CHECK(client.rest() == "");
  }
  CHECK(service.app.handled == 0);
}

TEST_CASE("body: chunk extensions are read over") {
  Service service;
  Client client = service.connect();
  client.send(kChunked + chunk("he", ";a;b=c;d=\"e \\\" f\"") + chunk("llo") + "0;x=y\r\n\r\n");
  const auto answer = client.answer();
  REQUIRE(answer);
  CHECK(answer->body == "hello");
}

TEST_CASE("body: a chunk's header, and trailers, end within 32 kB") {
  sapwood::serve::ServerOptions options;
  options.timeouts.linger = std::chrono::milliseconds(100);
  Service service(options);
  for (const std::string& begin : {std::string("5;a=\""), std::string("5;a="), std::string("5"),
                                   std::string("0\r\nX: "), std::string("0\r\n")}) {
    INFO(begin);
    Client client = service.connect();
    client.send(kChunked + begin);
    const std::string more = begin == "0\r\n" ? "X: y\r\n" : begin == "5" ? "0" : "aaaa";
    for (std::size_t i = 0; i < (1 << 20) / more.size(); i += 1000) {
      std::string part;
      for (int j = 0; j < 1000; ++j) part += more;
      if (!client.send(part)) break;
    }
    const int status = status_of(client);
    CHECK((status == 431 || status == 400));
    CHECK(soon([&] { return service.server.statistics().connections == 0; }));
  }
}

TEST_CASE("body: a trailer is no header") {
  Service service;
  Client client = service.connect();
  client.send(
      "POST /describe HTTP/1.1\r\nHost: test\r\nX: before\r\nTransfer-Encoding: chunked\r\n"
      "Trailer: Authorization, X\r\n\r\n" +
      chunk("hello") + "0\r\nAuthorization: Bearer stolen\r\nX: after\r\n\r\n");
  const auto answer = client.answer();
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(answer->body ==
        "POST /describe \nhost: test\nx: before\ntransfer-encoding: chunked\n"
        "trailer: Authorization, X\n\nhello");
}

TEST_CASE("body: 100-continue is answered before the body") {
  Service service;
  Client client = service.connect();
  for (int i = 0; i < 2; ++i) {
    client.send(
        "POST /echo HTTP/1.1\r\nHost: test\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n");
    REQUIRE(status_of(client) == 100);
    client.send("hello");
    const auto answer = client.answer();
    REQUIRE(answer);
    CHECK(answer->body == "hello");
  }
  // The body does not wait for leave.
  client.send(post("/echo", "hello", "Expect: 100-continue\r\n"));
  CHECK(status_of(client) == 100);
  CHECK(client.answer()->body == "hello");
  // HTTP/1.0 knows it not, and an empty body needs no leave.
  CHECK(client.ask(post("/echo", "", "Expect: 100-continue\r\n"))->status == 200);
  const auto old =
      client.ask("POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi");
  REQUIRE(old);
  CHECK(old->body == "hi");
}

TEST_CASE("body: 100-continue is no leave for a body that is refused") {
  Service service;
  for (const auto& [path, length, status] :
       {std::tuple("/locked", "5", 401), std::tuple("/echo", "1048577", 413)}) {
    Client client = service.connect();
    client.send(std::string("POST ") + path +
                " HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: " + length +
                "\r\n\r\n");
    const auto answer = client.answer();
    REQUIRE(answer);
    CHECK(answer->status == status);
    CHECK(answer->has("connection", "close"));
    CHECK(client.is_closed());
  }
}

TEST_CASE("body: of a refused request, a short one is dropped, a long one ends the connection") {
  Service service;
  Client client = service.connect();
  client.send(post("/locked", std::string(1000, 'x')) + post("/echo", "next"));
  CHECK(status_of(client) == 401);
  CHECK(client.answer()->body == "next");
  // Refused before the body is there.
  const std::string late = post("/locked", std::string(60'000, 'x'));
  client.send(late.substr(0, 200));
  CHECK(status_of(client) == 401);
  client.send(late.substr(200));
  CHECK(client.ask(get("/locked"))->status == 401);
  CHECK(client.ask(post("/echo", "again"))->body == "again");
  client.send(post("/locked", std::string(70'000, 'x')));
  const auto last = client.answer();
  REQUIRE(last);
  CHECK(last->status == 401);
  CHECK(last->has("connection", "close"));
  CHECK(client.is_closed());
  Client chunked = service.connect();
  chunked.send("POST /locked HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
  CHECK(status_of(chunked) == 401);
  CHECK(chunked.is_closed());
}
