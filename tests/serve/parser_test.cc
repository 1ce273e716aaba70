// The parser alone: whatever it is given, and however that is cut, it says the same, and never more than was sent.
#include <random>
#include <string>
#include <vector>

#include "catch.h"
#include "request_parser.h"
#include "response_head.h"

using namespace sapwood::serve;

namespace {

struct Parsed {
  int status = 0;  // of a refusal; 0: incomplete; 1: complete
  std::string head, body;
  std::size_t rest = 0;

  bool operator==(const Parsed&) const = default;
};

// Gives the bytes in parts of this size, as a connection does.
Parsed parse(const std::string& bytes, std::size_t part) {
  static const Limits limits;
  const auto parser = RequestParser::make(limits);
  Parsed parsed;
  std::string ahead;
  for (std::size_t at = 0; at < bytes.size(); at += part) {
    ahead += bytes.substr(at, part);
    std::string_view rest = ahead;
    for (bool more = false; !more;) {
      switch (parser->feed(rest)) {
        case RequestParser::Step::more:
          more = true;
          break;
        case RequestParser::Step::head:
          parser->set_max_body(10'000);
          break;
        case RequestParser::Step::refused:
          parsed.status = parser->refusal().status;
          return parsed;
        case RequestParser::Step::complete:
          parsed.status = 1;
          const HttpRequest& request = parser->request();
          parsed.head = request.method + " " + request.path + " " + request.query;
          for (const auto& [name, value] : request.headers)
            parsed.head += "\n" + name + ":" + value;
          parsed.body = request.body;
          parsed.rest = rest.size() + bytes.size() - std::min(bytes.size(), at + part);
          return parsed;
      }
    }
    ahead = rest;
  }
  return parsed;
}

const std::vector<std::string> kRequests = {
    "GET /a%20b?c=d HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: "
    "9\r\n\r\n{\"a\": 12}",
    "POST http://h/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: "
    "100-continue\r\n\r\n"
    "a;b=\"c\\\"\";d\r\n0123456789\r\n3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n",
    "\r\nOPTIONS * HTTP/1.0\r\nConnection: close, x\r\n\r\n",
    "PUT / HTTP/1.1\r\nHost: h\r\nX: folded line\r\nContent-Length: 0\r\n\r\n"};

}  // namespace

TEST_CASE("parser: every cut gives the same request") {
  for (const std::string& request : kRequests) {
    INFO(request);
    const Parsed whole = parse(request + "GET", 1 << 20);
    CHECK(whole.status == 1);
    CHECK(whole.rest == 3);
    for (std::size_t part = 1; part < request.size(); ++part) {
      CHECK(parse(request + "GET", part) == whole);
    }
    for (std::size_t size = 0; size < request.size(); ++size) {
      CHECK(parse(request.substr(0, size), 1 << 20).status == 0);
    }
  }
}

// A second one was passed over where it came in a piece of its own.
TEST_CASE("parser: one empty line may stand before a request, however it is cut") {
  const std::string request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  for (std::size_t part = 1; part < 40; ++part) {
    CHECK(parse("\r\n" + request, part).status == 1);
    CHECK(parse("\r\n\r\n" + request, part).status == 400);
  }
}

TEST_CASE("parser: 30,000 damaged requests, cut and whole, are never two requests") {
  std::mt19937 random(1);
  const auto below = [&](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  };
  const std::string bytes = "\r\n:;,= \"\\%/0159afAF\x00\x7f\xff\tgHT.-";
  int complete = 0, refused = 0;
  for (int i = 0; i < 30'000; ++i) {
    std::string request = kRequests[below(kRequests.size())];
    for (std::size_t changes = 1 + below(3); changes > 0; --changes) {
      const std::size_t at = below(request.size());
      switch (below(4)) {
        case 0:
          request[at] = bytes[below(bytes.size())];
          break;
        case 1:
          request.erase(at, 1 + below(4));
          break;
        case 2:
          request.insert(at, 1 + below(2), bytes[below(bytes.size())]);
          break;
        case 3:  // a line twice, or moved
          request.insert(at, kRequests[below(kRequests.size())].substr(below(20), below(40)));
      }
      if (request.empty()) request = "x";
    }
    const Parsed whole = parse(request, 1 << 20);
    const Parsed cut = parse(request, 1 + below(7));
    INFO("case " << i << ": " << request);
    // Of a head that is cut, mistakes may be told only when its end is there. But nothing that is refused whole is ever
    // taken for a request.
    if (whole.status < 400) {
      CHECK(whole == cut);
    } else {
      CHECK(cut.status != 1);
    }
    if (whole.status == 1) CHECK(whole.body.size() + whole.rest < request.size());
    complete += whole.status == 1;
    refused += whole.status >= 400;
  }
  CHECK(complete > 2000);
  CHECK(refused > 3000);
}

TEST_CASE("parser: a body that grows by small chunks is read once") {
  std::string request = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 10'000; ++i) request += "1\r\nx\r\n";
  CHECK(parse(request + "0\r\n\r\n", 1 << 16).body == std::string(10'000, 'x'));
  CHECK(parse(request + "1\r\nx\r\n0\r\n\r\n", 1 << 16).status == 413);
}

TEST_CASE("response: its head, and nothing that ends it early") {
  CHECK(http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(http_date(1709208000) == "Thu, 29 Feb 2024 12:00:00 GMT");
  const HttpResponse response{.status = 429,
                              .headers = {{"Retry-After", "1"}, {"X-Id", "a\r\nSet-Cookie: b"}},
                              .body = "{}"};
  std::string head;
  append_head(head, response, "now", true);
  CHECK(head ==
        "HTTP/1.1 429 Too Many Requests\r\nDate: now\r\nContent-Length: 2\r\n"
        "Content-Type: application/json\r\nConnection: close\r\nRetry-After: 1\r\n"
        "X-Id: a  Set-Cookie: b\r\n\r\n");
  head.clear();
  append_head(head, {.status = 204}, "now", false);
  CHECK(head == "HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n");
}
