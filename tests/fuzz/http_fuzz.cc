// Requests byte by byte: whatever the bytes and however they are cut, they are one request, or none.
#include <algorithm>
#include <random>

#include "request_parser.h"
#include "target.h"

namespace sapwood::fuzz {
namespace {

using serve::find_header, serve::HttpRequest, serve::Limits, serve::RequestParser;

struct Parsed {
  enum class End { incomplete, complete, refused } end = End::incomplete;
  int status = 0;  // of a refusal
  HttpRequest request;
  std::size_t taken = 0;

  bool operator==(const Parsed& other) const {
    return end == other.end && request.method == other.request.method &&
           request.path == other.request.path && request.query == other.request.query &&
           request.headers == other.request.headers && request.body == other.request.body;
  }
};

constexpr std::uint64_t kMostBody = 200;

// Gives the bytes in pieces of 1 to `most` of them, as a connection does; 0: all at once.
Parsed parse(std::string_view bytes, std::size_t most) {
  static const Limits limits;
  const auto parser = RequestParser::make(limits);
  std::minstd_rand random(static_cast<unsigned>(bytes.size()));
  Parsed parsed;
  std::string ahead;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t left = bytes.size() - at;
    const std::size_t piece = most == 0 ? left : std::min<std::size_t>(left, 1 + random() % most);
    ahead += bytes.substr(at, piece);
    at += piece;
    std::string_view rest = ahead;
    for (bool more = false; !more;) {
      switch (parser->feed(rest)) {
        case RequestParser::Step::more:
          parser->find_path(rest);
          more = true;
          break;
        case RequestParser::Step::head:
          parser->set_max_body(kMostBody);
          break;
        case RequestParser::Step::refused:
          parsed.end = Parsed::End::refused;
          parsed.status = parser->refusal().status;
          return parsed;
        case RequestParser::Step::complete:
          parsed.end = Parsed::End::complete;
          parsed.request = std::move(parser->request());
          parsed.taken = at - rest.size();
          return parsed;
      }
    }
    ahead = std::string(rest);
  }
  return parsed;
}

void check_request(const Parsed& parsed, std::string_view bytes) {
  const HttpRequest& request = parsed.request;
  require(parsed.taken <= bytes.size(), "more bytes taken than there were");
  require(request.body.size() <= kMostBody, "a body beyond its limit");
  require(request.body.size() + request.method.size() < parsed.taken, "more than was sent");
  require(!request.path.empty() && !request.method.empty(), "a request of nothing");
  for (const auto& [name, value] : request.headers) {
    for (const char c : name) require(c > ' ' && c != ':' && !(c >= 'A' && c <= 'Z'), "a bad name");
    for (const char c : value) require(c != '\r' && c != '\n' && c != '\0', "a bad value");
  }
  // Only one of them, by RFC 9112: two answers to where a body ends are two requests to somebody else.
  require(!(find_header(request.headers, "content-length") &&
            find_header(request.headers, "transfer-encoding")),
          "two lengths");
}

void read_request(std::string_view input) {
  const Parsed whole = parse(input, 0);
  const Parsed cut = parse(input, 7);
  // Of a head that is cut, mistakes may be told only when its end is there. But nothing that is refused whole is ever taken
  // for a request.
  if (whole.end == Parsed::End::refused) {
    require(whole.status >= 400 && whole.status < 600, "a refusal without a status");
    require(cut.end != Parsed::End::complete, "a request when it is cut, refused when it is whole");
    return;
  }
  require(whole.end == cut.end, "what the pieces decide");
  if (whole.end != Parsed::End::complete) return;
  require(whole == cut && whole.taken == cut.taken, "another request by other pieces");
  check_request(whole, input);
}

const Registration kHttpTarget({"http", read_request});

}  // namespace
}  // namespace sapwood::fuzz
