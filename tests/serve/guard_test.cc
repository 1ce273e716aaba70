// The guard, byte for byte: what each hostile request is answered, and whether its connection lives on.
#include <string>
#include <vector>

#include "catch.h"
#include "service.h"

using namespace sapwood::test;

namespace {

struct Case {
  std::string request;
  int status;
};

// Each is answered with the status, and the connection closed without a reset that would eat the answer; a second
// request behind it is not answered.
void check_all_refused(const std::vector<Case>& cases) {
  Service service;
  for (const Case& each : cases) {
    INFO("request: " << each.request.substr(0, 300));
    Client client = service.connect();
    client.send(each.request + get("/describe"));
    const auto answer = client.answer();
    REQUIRE(answer);
    CHECK(answer->status == each.status);
    CHECK(answer->has("connection", "close"));
    CHECK(answer->headers.count("date") == 1);
    CHECK_FALSE(answer->body.empty());
    client.shut_down();
    CHECK(client.rest() == "");
  }
  CHECK(service.app.handled == 0);
  CHECK(service.server.statistics().refused == cases.size());
}

// Each is answered, and the connection takes another request.
void check_all_answered(const std::vector<Case>& cases) {
  Service service;
  for (const Case& each : cases) {
    INFO("request: " << each.request.substr(0, 300));
    Client client = service.connect();
    client.send(each.request);
    const auto answer = client.answer();
    REQUIRE(answer);
    CHECK(answer->status == each.status);
    const auto next = client.ask(get("/describe"));
    REQUIRE(next);
    CHECK(next->status == 200);
  }
}

const std::string kHost = "Host: test\r\n";

std::string post_head(const std::string& headers) {
  return "POST /echo HTTP/1.1\r\n" + kHost + headers + "\r\n";
}

}  // namespace

TEST_CASE("guard: a head over 16 kB is 431, HOSTILE 43") {
  check_all_refused({{get("/describe", "X: " + std::string(17 << 10, 'a') + "\r\n"), 431},
                     {get("/describe", "X: " + std::string(1 << 20, 'a') + "\r\n"), 431},
                     {get("/describe", "X: " + std::string(15 << 10, 'a') +
                                           "\r\nY: " + std::string(2 << 10, 'b') + "\r\n"),
                      431}});
  check_all_answered({{get("/describe", "X: " + std::string(15 << 10, 'a') + "\r\n"), 200}});
}

TEST_CASE("guard: more than 128 headers are 431") {
  std::string headers;
  for (int i = 0; i < 127; ++i) headers += "a:\r\n";
  check_all_answered({{get("/describe", headers), 200}});
  check_all_refused({{get("/describe", headers + "b:\r\n"), 431}});
}

TEST_CASE("guard: a target over 8 kB is 414, HOSTILE 43") {
  check_all_answered({{get("/describe?" + std::string((8 << 10) - 10, 'a')), 200}});
  check_all_refused({{get("/describe?" + std::string(8 << 10, 'a')), 414},
                     {get("/" + std::string(20 << 10, 'a')), 414},
                     {get("/" + std::string(1 << 20, 'a')), 414}});
}

TEST_CASE("guard: versions other than 1.0 and 1.1 are 505") {
  check_all_refused({{"GET / HTTP/2.0\r\n" + kHost + "\r\n", 505},
                     {"GET / HTTP/1.2\r\n" + kHost + "\r\n", 505},
                     {"GET / HTTP/0.9\r\n" + kHost + "\r\n", 505},
                     {"GET / HTTP/9.9\r\n" + kHost + "\r\n", 505},
                     {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
                     {"GET / HTTP/11\r\n" + kHost + "\r\n", 400},
                     {"GET / HTPP/1.1\r\n" + kHost + "\r\n", 400},
                     {"GET / http/1.1\r\n" + kHost + "\r\n", 400},
                     {"GET /\r\n\r\n", 400}});
}

TEST_CASE("guard: HTTP/1.1 has exactly one Host, 1.0 at most one") {
  check_all_refused({{"GET /describe HTTP/1.1\r\n\r\n", 400},
                     {"GET /describe HTTP/1.1\r\n" + kHost + kHost + "\r\n", 400},
                     {"GET /describe HTTP/1.1\r\n" + kHost + "hOST: other\r\n\r\n", 400},
                     {"GET /describe HTTP/1.0\r\n" + kHost + kHost + "\r\n", 400}});
}

TEST_CASE("guard: a Transfer-Encoding is one chunked, alone, HOSTILE 41") {
  const std::string chunked = "Transfer-Encoding: chunked\r\n", length = "Content-Length: 5\r\n";
  const std::string body = "5\r\nhello\r\n0\r\n\r\n";
  check_all_answered({{post_head(chunked) + body, 200},
                      {post_head("transfer-encoding:  CHUNKED \r\n") + body, 200}});
  check_all_refused({{post_head(chunked + length) + body, 400},
                     {post_head(length + chunked) + body, 400},
                     {post_head(chunked + chunked) + body, 400},
                     {post_head("Transfer-Encoding: chunked, chunked\r\n") + body, 400},
                     {post_head("Transfer-Encoding:\r\n") + body, 400},
                     {post_head("Transfer-Encoding: gzip\r\n" + length) + "hello", 400},
                     {post_head("Transfer-Encoding: gzip\r\n") + "hello", 501},
                     {post_head("Transfer-Encoding: identity\r\n") + "hello", 501},
                     {post_head("Transfer-Encoding: xchunked\r\n") + body, 501},
                     {post_head("Transfer-Encoding: gzip, chunked\r\n") + body, 501},
                     {post_head("Transfer-Encoding: chunked, gzip\r\n") + body, 501},
                     {post_head("Transfer-Encoding: chunked;q=1\r\n") + body, 501},
                     {post_head("Transfer-Encoding: \x0b"
                                "chunked\r\n") +
                          body,
                      400},
                     {post_head("Transfer-Encoding : chunked\r\n") + body, 400},
                     {"POST /echo HTTP/1.0\r\n" + chunked + "\r\n" + body, 400},
                     {"GET /echo HTTP/1.1\r\n" + kHost + chunked + length + "\r\n" + body, 400}});
}

TEST_CASE("guard: a Content-Length is one number, HOSTILE 41") {
  const auto sized = [](const std::string& value) {
    return post_head("Content-Length:" + value + "\r\n") + "hello";
  };
  check_all_answered({{sized(" 5"), 200}, {sized("5 "), 200}, {sized(" 0005"), 200}});
  check_all_refused({{sized(""), 400},
                     {sized(" -5"), 400},
                     {sized(" +5"), 400},
                     {sized(" 5,5"), 400},
                     {sized(" 5, 5"), 400},
                     {sized(" 5 5"), 400},
                     {sized(" 0x5"), 400},
                     {sized(" 5a"), 400},
                     {sized(" 99999999999999999999999"), 400},
                     {sized(" 18446744073709551621"), 400},
                     {sized(" 5\r\nContent-Length: 5"), 400},
                     {sized(" 5\r\nContent-Length: 6"), 400},
                     {sized(" 5\r\ncontent-length: 0"), 400}});
}

TEST_CASE("guard: a Content-Encoding is 415") {
  check_all_refused({{post("/echo", "hello", "Content-Encoding: gzip\r\n"), 415},
                     {post("/echo", "hello", "Content-Encoding: identity, br\r\n"), 415}});
  check_all_answered({{post("/echo", "hello", "Content-Encoding: identity\r\n"), 200}});
}

TEST_CASE("guard: an Expect other than 100-continue is 417") {
  check_all_refused({{post("/echo", "hello", "Expect: 200-ok\r\n"), 417},
                     {post("/echo", "hello", "Expect: 100-continue, x\r\n"), 417},
                     {post("/echo", "hello", "Expect: 100-continue\r\nExpect: x\r\n"), 417}});
}

TEST_CASE("guard: a POST without a length is 411") {
  check_all_refused({{"POST /echo HTTP/1.1\r\n" + kHost + "\r\n", 411},
                     {"PUT /echo HTTP/1.1\r\n" + kHost + "\r\n", 411},
                     {"POST /echo HTTP/1.0\r\n\r\n", 411}});
  check_all_answered({{post("/echo", ""), 200}});
}

TEST_CASE("guard: forms and plain text are 415") {
  const auto typed = [](const std::string& type) {
    return post("/echo", "hello", "Content-Type: " + type + "\r\n");
  };
  check_all_refused({{typed("text/plain"), 415},
                     {typed("text/plain;application/json"), 415},
                     {typed("application/x-www-form-urlencoded"), 415},
                     {typed("multipart/form-data; boundary=x"), 415},
                     {typed(""), 415},
                     {typed("application/json\r\nContent-Type: text/plain"), 415}});
  check_all_answered({{typed("application/json"), 200},
                      {typed("Application/JSON ; charset=utf-8"), 200},
                      {typed("application/octet-stream"), 200},
                      {post("/echo", "hello"), 200}});
}

TEST_CASE("guard: a target is a path of good escapes, or absolute") {
  Service service;
  const auto target = [&](const std::string& path) {
    INFO(path);
    const auto answer = service.connect().ask(get(path));
    REQUIRE(answer);
    return answer->status == 200 ? answer->body.substr(0, answer->body.find('\n'))
                                 : std::to_string(answer->status);
  };
  CHECK(target("/describe?a=%00&b") == "GET /describe a=%00&b");
  CHECK(target("/%64escribe?") == "GET /describe ");
  CHECK(target("/%64%65scribe?x?y") == "GET /describe x?y");
  CHECK(target("http://other/describe?x") == "GET /describe x");
  CHECK(target("HTTPS://other:1/describe") == "GET /describe ");
  CHECK(target("/caf%C3%A9") == "404");
  CHECK(target("/caf\xc3\xa9") == "404");
  CHECK(target("http://other") == "404");
  for (const char* bad : {"/%", "/%4", "/%zz", "/%4g", "/%00", "/a%0ab", "/%7f", "/%ff", "/caf\xff",
                          "/?\xff", "/#x", "*", "describe", "other:80", "http://",
                          "http:///describe", "ftp://other/describe", "//\x01"}) {
    CHECK(target(bad) == "400");
  }
}

TEST_CASE("guard: what is no HTTP is 400") {
  check_all_refused(
      {{"GET / HTTP/1.1\nHost: test\n\n", 400},
       {"GET / HTTP/1.1\r\nHost: test\n\r\n", 400},
       {"GET / HTTP/1.1\r\nHost: te\rst\r\n\r\n", 400},
       {"GET / HTTP/1.1\r\nHost : test\r\n\r\n", 400},
       {"GET / HTTP/1.1\r\n Host: test\r\n\r\n", 400},
       {"GET / HTTP/1.1\r\nHost\r\n\r\n", 400},
       {"GET / HTTP/1.1\r\n: test\r\n\r\n", 400},
       {"GET / HTTP/1.1\r\n" + kHost + "A: " + std::string(1, '\0') + "\r\n\r\n", 400},
       {"GET  / HTTP/1.1\r\n" + kHost + "\r\n", 400},
       {"GET / x HTTP/1.1\r\n" + kHost + "\r\n", 400},
       {"G\x01T / HTTP/1.1\r\n" + kHost + "\r\n", 400},
       {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400},
       {std::string(16, '\0'), 400},
       {"{\"inputs\": \"x\"}\r\n\r\n", 400}});
}

TEST_CASE("guard: a header that goes on in the next line is 400") {
  // Of two that read such a request one may take the second line for a header of its own, or for none.
  check_all_refused(
      {{get("/describe", "X: a\r\n b\r\n"), 400},
       {get("/describe", "X: a\r\n\tb\r\n"), 400},
       {post_head("Transfer-Encoding:\r\n chunked\r\n") + "5\r\nhello\r\n0\r\n\r\n", 400},
       {post_head("X: a\r\n Content-Length: 0\r\nContent-Length: 5\r\n") + "hello", 400},
       {post_head("Content-Length:\r\n 5\r\n") + "hello", 400}});
}

TEST_CASE("guard: a refusal is told which path was asked for, as soon as that was read") {
  Service service;
  const std::string long_name(9 << 10, 'a');
  const auto body = [](const std::string& headers, const std::string& rest) {
    return "POST /v1/x HTTP/1.1\r\n" + headers + "\r\n" + rest;
  };
  const std::vector<std::tuple<std::string, int, std::string>> cases{
      {body("", ""), 400, "/v1/x"},
      {body(kHost, ""), 411, "/v1/x"},
      {body(kHost + "Content-Length: 1048577\r\n", ""), 413, "/v1/x"},
      {"POST /v1/x?" + long_name + " HTTP/1.1\r\n" + kHost + "\r\n", 414, "/v1/x"},
      {"POST /v1/x?" + long_name + long_name, 414, "/v1/x"},
      {"GET /v1/x?a#b HTTP/1.1\r\n" + kHost + "\r\n", 400, "/v1/x"},
      {body(kHost + "Content-Type: text/plain\r\nContent-Length: 1\r\n", "x"), 415, "/v1/x"},
      {body(kHost + "Content-Encoding: gzip\r\nContent-Length: 1\r\n", "x"), 415, "/v1/x"},
      {body(kHost + "Expect: more\r\nContent-Length: 1\r\n", "x"), 417, "/v1/x"},
      {body(kHost + "X: " + long_name + long_name + "\r\n", ""), 431, "/v1/x"},
      {body(kHost + "Transfer-Encoding: gzip\r\n", ""), 501, "/v1/x"},
      {body(kHost + "Transfer-Encoding: chunked\r\n", "-1\r\n"), 400, "/v1/x"},
      {body(kHost + "bad header\r\n", ""), 400, "/v1/x"},
      {"POST /v1/%78 HTTP/3.0\r\n" + kHost + "\r\n", 505, "/v1/x"},
      {"POST http://test/v1/x HTPP/1.1\r\n" + kHost + "\r\n", 400, "/v1/x"},
      {get("/throw"), 500, "/throw"},
      {get("/drop"), 500, "/drop"},
      {"nonsense\r\n\r\n", 400, ""},
      {"{\"a\": \"b\"}\r\n\r\n", 400, ""}};
  for (const auto& [request, status, path] : cases) {
    INFO(request.substr(0, 200));
    const auto answer = service.connect().ask(request);
    REQUIRE(answer);
    CHECK(answer->status == status);
    CHECK(answer->has("x-path", path));
  }
}

TEST_CASE("guard: an empty line before a request is passed over") {
  check_all_answered({{"\r\n" + get("/describe"), 200}});
}

TEST_CASE("guard: HTTP/1.0 is answered and closed") {
  Service service;
  Client client = service.connect();
  const auto answer = client.ask("GET /describe HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(answer->has("connection", "close"));
  CHECK(client.is_closed());
}

TEST_CASE("guard: HEAD has the answer's length without its body, OPTIONS * the server's methods") {
  Service service;
  Client client = service.connect();
  client.send("HEAD /big?1000 HTTP/1.1\r\n" + kHost + "\r\n");
  const auto head = client.answer(true);
  REQUIRE(head);
  CHECK(head->status == 200);
  CHECK(head->has("content-length", "1000"));
  const auto options = client.ask("OPTIONS * HTTP/1.1\r\n" + kHost + "\r\n");
  REQUIRE(options);
  CHECK(options->status == 204);
  CHECK(options->has("allow", "GET, HEAD, POST, OPTIONS"));
  CHECK(options->headers.count("content-length") == 0);
  CHECK(client.ask(get("/describe"))->status == 200);
  // A refused HEAD has no body either, which would be taken for the next answer.
  client.send("HEAD /%zz HTTP/1.1\r\n" + kHost + "\r\n");
  CHECK(client.answer(true)->status == 400);
  CHECK(client.rest() == "");
}

TEST_CASE("guard: what an application must not do is 500") {
  Service service;
  for (const char* path : {"/throw", "/drop"}) {
    Client client = service.connect();
    const auto answer = client.ask(get(path));
    REQUIRE(answer);
    CHECK(answer->status == 500);
    CHECK(client.is_closed());
  }
}
