// What the transport (sockets, framing, limits: server.h) and the application (routes, models, answers: app.h) of
// `sapwood serve` say to each other. Neither knows more of the other, so that routes are tested without a
// socket and sockets without a model.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sapwood::serve {

using Headers = std::vector<std::pair<std::string, std::string>>;  // names in lower case

// The value of the first header of this name, or nothing.
inline const std::string* find_header(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (key == name) return &value;
  }
  return nullptr;
}

struct HttpRequest {
  std::string method;  // "GET", "POST", ...
  std::string path;    // percent-decoded, without the query: "/v1/embeddings"
  std::string query;   // as sent, without "?"
  // As they stood before the body: trailers are not among them.
  Headers headers;
  std::string body;
  std::chrono::steady_clock::time_point arrived;  // when its head was complete
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  // Besides Date, Content-Length, Content-Type and Connection, which the transport writes.
  Headers headers = {};
  std::string body = {};
};

// One request and the answer that it waits for. The transport makes it, and keeps it until it is answered or its
// client has left.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual const HttpRequest& request() const = 0;
  // The answer, once; from any thread. Where the client has left it goes nowhere.
  virtual void respond(HttpResponse response) = 0;
  // Called once when the client leaves before the answer, from the transport's thread; at once if it has left already.
  virtual void on_left(std::function<void()> call) = 0;
};

class App {
 public:
  virtual ~App() = default;

  // Asked when the head of a request is there (its body is still empty): the answer that refuses it before the body is read
  // (401, 404, 405 with Allow, 413, 415, 429, 503), or nothing. `length`: Content-Length; unset for a chunked body, or none.
  // From the transport's thread; must be quick.
  virtual std::optional<HttpResponse> refuse(const HttpRequest& head,
                                             std::optional<std::uint64_t> length) = 0;
  // Bytes that the body of this request may have.
  virtual std::uint64_t max_body(const HttpRequest& head) const = 0;
  // Answers the request, now or later, by Exchange::respond. From the transport's thread; what takes long goes elsewhere.
  virtual void handle(std::shared_ptr<Exchange> exchange) = 0;
  // An answer that the transport gives by itself (400, 408, 411, 413, 417, 431, 501, 505, ...), in the format of the path that was
  // asked for. `head`: what is known of it, which may be nothing.
  virtual HttpResponse error(const HttpRequest& head, int status,
                             std::string_view message) const = 0;
  // From now on the service says that it is not ready; it still answers.
  virtual void drain() = 0;
};

}  // namespace sapwood::serve
