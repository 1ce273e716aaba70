// Bytes of a connection to one request: Boost.Beast's parser for the syntax, guard.h for everything that it lets
// through. Knows no sockets.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "guard.h"
#include "server.h"

namespace sapwood::serve {

class RequestParser {
 public:
  enum class Step {
    more,      // needs more bytes than it was given
    head,      // the head is there: set_max_body() or drop_body() before the next feed()
    complete,  // the request is there
    refused,   // refusal() says why; nothing can be read after it
  };

  // `limits` live longer.
  static std::unique_ptr<RequestParser> make(const Limits& limits);
  virtual ~RequestParser() = default;

  // Takes what it has read off the front of `bytes`; what is left is given again, with more behind it.
  virtual Step feed(std::string_view& bytes) = 0;
  // Of a body that grows beyond: 413.
  virtual void set_max_body(std::uint64_t bytes) = 0;
  // The body is read and forgotten.
  virtual void drop_body() = 0;

  // Fills the path of request() before `head`, where that has come so far. `rest`: what feed() did not take.
  virtual void find_path(std::string_view rest) = 0;

  // From `head` on; of a request that is refused before, what is known of method and path. To be moved from at `complete`.
  virtual HttpRequest& request() = 0;
  virtual const Framing& framing() const = 0;
  virtual const Refusal& refusal() const = 0;
};

}  // namespace sapwood::serve
